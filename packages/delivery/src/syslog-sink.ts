import { hostname as machine } from 'node:os';
import type { AuditRecord, CheckpointAbout, CheckpointSink, EventSink } from '@countersign/core';
import { isLoopback, refusal, required, secondsWithin } from './endpoint-url.ts';
import { SyslogConnection, type SyslogServer } from './syslog-connection.ts';
import { checkpointMessage, eventMessage, framed, headerPart } from './syslog-message.ts';

/** Options of {@link syslogSink}. */
export interface SyslogSinkOptions {
  readonly host: string;
  /** Default 6514. */
  readonly port?: number;
  /** Default `{}`: TLS, with the public authorities. `false`: without, on this machine alone. */
  readonly tls?: false | NonNullable<SyslogServer['tls']>;
  /** Ours, as the messages name it. Default: the machine's. */
  readonly hostname?: string;
  /** Default `countersign`. */
  readonly appName?: string;
  /** Your private enterprise number. Default 32473, which RFC 5612 keeps for examples. */
  readonly enterpriseNumber?: number;
  /** Default `syslog`. */
  readonly name?: string;
  /** How long connecting and a write may take each. Default 10. */
  readonly timeoutSeconds?: number;
}

/** What {@link syslogSink} makes: a sink of events and of checkpoints, over one connection. */
export interface SyslogSink {
  readonly events: EventSink;
  readonly checkpoints: CheckpointSink;
  /** Ends the connection. Idempotent. */
  close(): void;
}

/**
 * Sends events and checkpoints to a log server: RFC 5424 messages over TLS (RFC 5425), facility 13 (log audit), each with its length
 * before it. The connection is made at the first message, and anew after it was lost; until then what is to be sent waits in the
 * table. Throws `configuration_invalid`.
 */
export function syslogSink(options: SyslogSinkOptions): SyslogSink {
  const host = required(options.host, 'syslogSink.host');
  const port = options.port ?? 6514;
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw refusal('syslogSink.port', 'is no port', 'Use a number such as 6514.');
  const { tls = {}, enterpriseNumber = 32_473 } = options;
  if (tls === false && !isLoopback(host))
    throw refusal('syslogSink.tls', 'is off for another machine', 'Leave it out: events would travel readable.');
  if (!Number.isInteger(enterpriseNumber) || enterpriseNumber < 1 || enterpriseNumber > 4_294_967_295)
    throw refusal('syslogSink.enterpriseNumber', 'is none', 'Leave it out, or give the one that IANA assigned to you.');
  const timeoutSeconds = secondsWithin(options.timeoutSeconds, 10, 25, 'syslogSink.timeoutSeconds');
  const connection = new SyslogConnection({ host, port, tls: tls === false ? null : tls, timeoutSeconds });
  const header = {
    hostname: headerPart(options.hostname ?? machine(), 255),
    appName: headerPart(options.appName ?? 'countersign', 48),
    sdId: `countersign@${enterpriseNumber}`,
  };
  const name = required(options.name ?? 'syslog', 'syslogSink.name');
  return {
    events: {
      name,
      deliver: (events: readonly AuditRecord[]) =>
        connection.write(Buffer.concat(events.map((event) => framed(eventMessage(event, header))))),
    },
    checkpoints: {
      name,
      deliver: (checkpoint: string, about: CheckpointAbout) =>
        connection.write(framed(checkpointMessage(checkpoint, about, header))),
    },
    close: () => connection.close(),
  };
}
