import type { Leadership } from '@countersign/core';
import { sql } from 'drizzle-orm';
import type { BoundedCalls } from './bounded-calls.ts';
import { connectBounded } from './connect-bounded.ts';
import type { Database } from './database.ts';

const LEAD = 'lead';

/** The lead is a lock that ends with the connection. */
export async function openLeadership(
  database: Database,
  calls: BoundedCalls,
  onClose: (leadership: Leadership) => void,
): Promise<Leadership> {
  const connection = await connectBounded(database, calls);
  let leads = false;
  const leadership: Leadership = {
    take: async () => {
      // Once held, all there is to ask is whether the connection lives: the lock is as long as it.
      if (leads) await calls.run(() => connection.rows(sql`select 1`));
      else leads = (await calls.run(() => connection.tryLock([LEAD]))).has(LEAD);
      return leads;
    },
    close: async () => {
      onClose(leadership);
      await connection.close();
    },
  };
  return leadership;
}
