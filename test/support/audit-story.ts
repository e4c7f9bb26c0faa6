import type { AuditRecord } from '@countersign/core';

/** Reads an audit log piece by piece: `next()` gives what was committed since the last time. */
export async function auditStory(host: {
  events(): Promise<readonly AuditRecord[]>;
}): Promise<{ next(): Promise<readonly AuditRecord[]> }> {
  const seen = new Set((await host.events()).map((event) => event.id));
  return {
    async next() {
      const fresh = (await host.events()).filter((event) => !seen.has(event.id));
      for (const event of fresh) seen.add(event.id);
      return fresh;
    },
  };
}

/** The codes of events, in order. */
export const codesOf = (events: readonly AuditRecord[]): string[] => events.map((event) => event.code);
