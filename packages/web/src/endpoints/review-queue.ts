import type { EmergencyGrant, EmergencyQueueQuery, SessionPrincipal } from '@countersign/core';
import { z } from 'zod';
import type { Web } from '../web.ts';

const PAGE = 200;
/** What waits for review beyond that is not sorted any more: it comes into view as the rest is signed off. */
const MOST_WAITING = 1000;

/** Where a list goes on: the last one's instant and id. */
export const reviewCursor = z
  .string()
  .regex(/^\d{1,15}~[0-9a-f-]{36}$/, 'this is no place in the list')
  .transform((text) => {
    const [openedAt = '', id = ''] = text.split('~');
    return { openedAt: Number(openedAt), id };
  });

export interface ReviewQueueQuery {
  readonly state: EmergencyQueueQuery['state'];
  readonly limit: number;
  readonly before: EmergencyQueueQuery['before'] | undefined;
}

/** A part of the queue. */
export interface ReviewQueue {
  readonly grants: readonly EmergencyGrant[];
  /** Where it goes on; null at its end, and for what waits for review, which moves up as it is signed off. */
  readonly next: string | null;
}

/** Newest first; what waits for review by its due time, so that what is overdue is on top. */
export async function reviewQueue(
  web: Web,
  principal: SessionPrincipal,
  { state, before, limit }: ReviewQueueQuery,
): Promise<ReviewQueue> {
  const { emergency } = web.countersign;
  if (state !== 'to-review') {
    const found = await emergency.queue(principal, { state, limit: limit + 1, ...(before ? { before } : {}) });
    const grants = found.slice(0, limit);
    const last = found.length > limit ? grants.at(-1) : undefined;
    return { grants, next: last === undefined ? null : cursorOf(last) };
  }
  const waiting: EmergencyGrant[] = [];
  let after: EmergencyQueueQuery['before'];
  while (waiting.length < MOST_WAITING) {
    const page = await emergency.queue(principal, { state, limit: PAGE, ...(after ? { before: after } : {}) });
    waiting.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) break;
    after = placeOf(last);
  }
  waiting.sort((one, other) => one.reviewDueAt.getTime() - other.reviewDueAt.getTime());
  return { grants: waiting.slice(0, limit), next: null };
}

const placeOf = ({ requestedAt, id }: EmergencyGrant) => ({ openedAt: requestedAt.getTime(), id });

function cursorOf(grant: EmergencyGrant): string {
  const { openedAt, id } = placeOf(grant);
  return `${openedAt}~${id}`;
}
