import type { AuditRecord, EventSink } from '@countersign/core';
import { eventFields } from './event-fields.ts';

/** What is used of a pino logger. */
export interface PinoLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  /** pino's, where the destination buffers: called back once it is written. */
  flush?(done: (error?: Error) => void): void;
}

/** Options of {@link pinoSink}. */
export interface PinoSinkOptions {
  readonly logger: PinoLogger;
  /** Default `pino`. */
  readonly name?: string;
}

/**
 * A line for each event: its fields under `audit`, its code as the message. `warn` for failures and refusals, `info` for the rest. pino
 * escapes line breaks and quotes. What a destination loses after it took a line is not noticed here.
 */
export function pinoSink({ logger, name = 'pino' }: PinoSinkOptions): EventSink {
  return {
    name,
    async deliver(events: readonly AuditRecord[]) {
      for (const event of events) {
        const line = { audit: Object.fromEntries(eventFields(event)) };
        if (event.outcome === 'success') logger.info(line, event.code);
        else logger.warn(line, event.code);
      }
      if (logger.flush === undefined) return;
      await new Promise<void>((resolve, reject) => {
        logger.flush?.((error) => (error === undefined || error === null ? resolve() : reject(error)));
      });
    },
  };
}
