import type { Options, Sql } from 'postgres';
import { ConnectionLost } from './store-error.ts';

export type ClientOptions = Options<Record<string, never>>;

/** What is used of postgres.js, by us and by Drizzle. */
export interface Statements {
  readonly unsafe: Sql['unsafe'];
  readonly typed: Sql['typed'];
  begin<T>(work: (inner: Pick<Statements, 'unsafe' | 'typed'>) => Promise<T>): Promise<T>;
}

/** A client of our own. */
export interface OwnClient extends Statements {
  /** Connections that have closed so far, for whatever reason. */
  readonly closings: number;
  end(options: { readonly timeout: number }): Promise<void>;
}

/**
 * A client that never writes to a connection that has closed. In a transaction postgres.js 3.4.9 does so itself, for its ROLLBACK,
 * and what it throws then reaches no caller but ends the process: so transactions are begun and ended here.
 */
export function ownClient(open: (options: Pick<ClientOptions, 'onclose'>) => Sql, onClosing: () => void): OwnClient {
  let closings = 0;
  const told = new Set<(error: ConnectionLost) => void>();
  const client = open({
    // Called before any caller hears of its failed statement.
    onclose: () => {
      closings += 1;
      onClosing();
      const lost = new ConnectionLost('The connection to the database was lost.');
      for (const tell of told) tell(lost);
    },
  });

  return {
    get closings() {
      return closings;
    },
    unsafe: client.unsafe,
    typed: client.typed,
    begin: async (work) => {
      const reserved = await client.reserve();
      const begun = closings;
      // Which of a pool's connections has closed is not said: any ends the transaction, rather than none.
      const assertHeld = () => {
        if (closings !== begun) throw new ConnectionLost('The connection to the database was lost.');
      };
      const inner: Pick<Statements, 'unsafe' | 'typed'> = {
        typed: client.typed,
        unsafe: (...statement) => {
          assertHeld();
          return reserved.unsafe(...statement);
        },
      };
      const run = async () => {
        try {
          await inner.unsafe('begin');
          const value = await work(inner);
          await inner.unsafe('commit');
          return value;
        } catch (error) {
          if (closings === begun) await reserved.unsafe('rollback').catch(() => {});
          throw error;
        } finally {
          // A connection that has closed is with the others of its kind already.
          if (closings === begun) reserved.release();
        }
      };
      let tell: (error: ConnectionLost) => void = () => {};
      const lost = new Promise<never>((_, reject) => {
        tell = reject;
        told.add(tell);
      });
      try {
        return await Promise.race([run(), lost]);
      } finally {
        told.delete(tell);
      }
    },
    end: (options) => client.end(options),
  };
}

/** How long a pool is used after one of its connections has closed, so that a database that is away makes no pool for each call. */
const RENEWAL_MILLISECONDS = 1000;

/**
 * A pool in place of which a new one comes once one of its connections has closed. One that closes while something is to be written
 * to it is never written to again by postgres.js 3.4.9, also after it has connected anew: each call that it is given runs into its
 * time-out. Calls that are under way stay with their pool, which ends when they must have ended.
 */
export function renewedPool(
  open: (options: ClientOptions) => Sql,
  waitSeconds: number,
): Statements & { close(): Promise<void> } {
  const retired = new Map<OwnClient, NodeJS.Timeout>();
  let current = fresh();
  let openedAt = performance.now();

  function fresh(): OwnClient {
    return ownClient(
      (options) => open({ ...options, max_lifetime: null }),
      () => {},
    );
  }

  function pool(): OwnClient {
    if (current.closings === 0 || performance.now() - openedAt < RENEWAL_MILLISECONDS) return current;
    const old = current;
    const end = () => {
      retired.delete(old);
      void old.end({ timeout: 0 }).catch(() => {});
    };
    retired.set(old, setTimeout(end, (waitSeconds + 1) * 1000).unref());
    current = fresh();
    openedAt = performance.now();
    return current;
  }

  return {
    unsafe: (...statement) => pool().unsafe(...statement),
    typed: current.typed,
    begin: (work) => pool().begin(work),
    close: async () => {
      for (const timer of retired.values()) clearTimeout(timer);
      await Promise.all([current.end({ timeout: 1 }), ...[...retired.keys()].map((old) => old.end({ timeout: 0 }))]);
    },
  };
}

/** A client that the host opened. Its transactions are the driver's own. */
export const hostClient = (client: Sql): Statements => ({
  unsafe: client.unsafe,
  typed: client.typed,
  begin: async (work) =>
    (await client.begin((transaction) => work({ unsafe: transaction.unsafe, typed: client.typed }))) as Awaited<
      ReturnType<typeof work>
    >,
});
