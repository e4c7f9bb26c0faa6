// A process that fills a spool, or brings it into the database, to be killed on the way.
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { AuditWriter, Keyring, systemClock } from '@countersign/core';
import { openStore } from '@countersign/postgres';
import { drainSpool } from '../../packages/core/dist/spool/drain-spool.js';
import { Spool } from '../../packages/core/dist/spool/spool.js';

const [task = '', url = '', folder = '', key = '', count = '0'] = process.argv.slice(2);
const keyring = new Keyring({ current: 'k1', all: { k1: key } });
const spool = await Spool.open({
  folder,
  mostBytes: 1e9,
  keyring,
  clock: systemClock,
  ids: randomUUID,
  heads: () => [],
});
if (task === 'fill') {
  const event = { code: 'ACCESS_ALLOWED', outcome: 'success', workspaceId: 'clinic', userId: 'carol' };
  await Promise.all(
    Array.from({ length: Number(count) }, (_, at) =>
      spool.append([{ ...event, reason: `${at}` }], at % 20 === 0 ? [{ kind: 'row', value: `u${at}` }] : []),
    ),
  );
} else {
  const store = await openStore(url, { migrate: false });
  const audit = new AuditWriter({ store, clock: systemClock, ids: randomUUID });
  writeSync(1, 'draining\n');
  await drainSpool({
    ...{ spool, store, audit },
    put: async (transaction, { value }) => {
      await transaction.raiseEpoch('clinic', String(value));
    },
  });
  await audit.close();
  await store.close();
}
await spool.close();
