export { type FileCheckpointsOptions, fileCheckpoints } from './file-checkpoints.ts';
export {
  type LockedObject,
  type ObjectLockCheckpointsOptions,
  objectLockCheckpoints,
} from './object-lock-checkpoints.ts';
export { type PinoLogger, type PinoSinkOptions, pinoSink } from './pino-sink.ts';
export type { SyslogServer } from './syslog-connection.ts';
export { type SyslogSink, type SyslogSinkOptions, syslogSink } from './syslog-sink.ts';
export { type TwilioSmsOptions, twilioSms } from './twilio-sms.ts';
export { type WebhookCheckpointsOptions, webhookCheckpoints } from './webhook-checkpoints.ts';
export { type WebhookSmsOptions, webhookSms } from './webhook-sms.ts';
