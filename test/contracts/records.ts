import { randomUUID } from 'node:crypto';
import { type AuditEventInput, type AuditRecord, CHAIN_START, chainHash, normaliseEvent } from '@countersign/core';

/** Makes chained records of one stream, as the audit writer would. */
export function recordsOf(stream: string, start = Date.UTC(2026, 2, 2, 9)) {
  let index = 0;
  let head = CHAIN_START;
  return (count: number, event: Partial<AuditEventInput> = {}): AuditRecord[] =>
    Array.from({ length: count }, () => {
      const described = { code: 'MFA_SUCCESS', outcome: 'success', workspaceId: 'w1', userId: 'u1', ...event } as const;
      const record = { ...normaliseEvent(described), id: randomUUID(), at: start + index, stream, index };
      head = Uint8Array.from(chainHash(head, record));
      index += 1;
      return { ...record, hash: head };
    });
}
