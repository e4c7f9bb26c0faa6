import {
  type AuditConnection,
  type AuditRecord,
  CHAIN_START,
  chainHash,
  normaliseEvent,
  type Store,
} from '@countersign/core';
import { accessEvent } from './access-event.ts';
import { eventId } from './event-id.ts';

/**
 * Appends batches with the statement that the writer uses, chained or not: what the chain alone costs. Callers' promises are left
 * out, so that the rest is as small as it can be.
 */
export class ChainlessStream {
  readonly #connection: AuditConnection;
  readonly #stream: string;
  readonly #chained: boolean;
  #index = 0;
  #head: Uint8Array = CHAIN_START;

  private constructor(connection: AuditConnection, stream: string, chained: boolean) {
    this.#connection = connection;
    this.#stream = stream;
    this.#chained = chained;
  }

  static async open(store: Store, chained: boolean): Promise<ChainlessStream> {
    const connection = await store.openAuditConnection();
    const stream = eventId();
    await connection.openStream(stream, null);
    return new ChainlessStream(connection, stream, chained);
  }

  append(size: number): Promise<void> {
    return this.#connection.append(Array.from({ length: size }, () => this.#record()));
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  #record(): AuditRecord {
    const place = { id: eventId(), at: Date.now(), stream: this.#stream, index: this.#index };
    const record = { ...normaliseEvent(accessEvent()), ...place };
    this.#index += 1;
    if (this.#chained) this.#head = chainHash(this.#head, record);
    return { ...record, hash: this.#head };
  }
}
