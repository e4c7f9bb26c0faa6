export { type TwilioSmsOptions, twilioSms } from './twilio-sms.ts';
export { type WebhookSmsOptions, webhookSms } from './webhook-sms.ts';
