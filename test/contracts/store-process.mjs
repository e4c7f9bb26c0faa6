// A process of its own for the tests of the store: does what its parent asks, and ends with it. Plain JavaScript, so that it
// starts in a moment.
import { once } from 'node:events';
import { migrate, openStore } from '@countersign/postgres';

/** @type {import('@countersign/core').Store | undefined} */
let store;
/** @type {import('@countersign/core').AuditConnection | undefined} */
let connection;
const opened = () => store ?? fail('no store is open');
const writer = () => connection ?? fail('no connection is open');
const fail = (/** @type {string} */ why) => {
  throw new Error(why);
};

/** @type {Record<string, (...args: any[]) => Promise<unknown>>} */
const tasks = {
  migrate: (url) => migrate(url),
  open: async (target, options) => {
    store = await openStore(target, options);
  },
  close: () => opened().close(),
  openStream: async (stream) => {
    connection = await opened().openAuditConnection();
    await writer().openStream(stream, null);
  },
  reserve: (count, key, limits, now) =>
    Promise.all(Array.from({ length: count }, () => opened().reserveAttempt(key, limits, now))),
  moveCounter: (row, next) =>
    writer().transact(async (tx) => ({ value: await tx.moveFactorCounter(row, next), records: [] })),
  putSettings: (row) => writer().transact(async (tx) => ({ value: await tx.putSettings(row), records: [] })),
  putFactor: (row) => writer().transact(async (tx) => ({ value: await tx.putFactor(row), records: [] })),
  enqueue: (jobs) =>
    writer().transact(async (tx) => {
      for (const job of jobs) await tx.enqueue(job);
      return { value: null, records: [] };
    }),
  /** Tells of each job, and does it after so many milliseconds. */
  work: async (milliseconds) => {
    await opened()
      .outbox()
      .work(async ({ job }) => {
        process.send?.({ told: ['job', job.content] });
        await new Promise((resolve) => setTimeout(resolve, milliseconds));
        return 'done';
      });
  },
  watch: async () => {
    const send =
      (/** @type {string} */ kind) =>
      (/** @type {unknown[]} */ ...told) =>
        process.send?.({ told: [kind, ...told] });
    await opened().watch({
      epochRaised: send('epoch'),
      settingsChanged: send('settings'),
      emergencyChanged: send('emergency'),
      confirmed: send('confirmed'),
    });
  },
};

process.on('message', async (/** @type {{ id: number, task: string, args: unknown[] }} */ { id, task, args }) => {
  try {
    process.send?.({ id, value: await tasks[task]?.(...args) });
  } catch (error) {
    process.send?.({ id, error: { code: Reflect.get(Object(error), 'code'), message: String(error) } });
  }
});
await once(process, 'disconnect');
process.exit();
