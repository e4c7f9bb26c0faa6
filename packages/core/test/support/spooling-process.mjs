// A process that spools as fast as it can, to be killed: it says which events were acknowledged, each before it goes on.
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { Keyring } from '../../dist/keys/keyring.js';
import { Spool } from '../../dist/spool/spool.js';

// A write beyond `ulimit -f` then fails as one to a full disk does, instead of ending the process.
process.on('SIGXFSZ', () => {});
const [folder = '', key = '', callers = '4', size = '10'] = process.argv.slice(2);
const spool = await Spool.open({
  folder,
  mostBytes: 1e9,
  keyring: new Keyring({ current: 'k1', all: { k1: key } }),
  clock: { now: () => Date.now(), elapsed: () => performance.now() },
  ids: randomUUID,
  heads: () => [],
});

async function call() {
  for (;;) {
    try {
      const event = { workspaceId: 'clinic', userId: 'carol', reason: 'r'.repeat(Number(size)) };
      const [record] = await spool.append([{ code: 'ACCESS_ALLOWED', outcome: 'success', ...event }]);
      writeSync(1, `${record?.id}\n`);
    } catch (error) {
      writeSync(1, `refused ${Reflect.get(Object(error), 'code')} ${Object(error).message}\n`);
      await spool.close();
      return;
    }
  }
}
await Promise.all(Array.from({ length: Number(callers) }, call));
