// npm run bench -- [--rounds N] [--seconds S] [--only http|audit|grace|factors|lists|state|sealing|growth] [--rows 1000000,10000000]
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { benchAudit } from './audit/audit-bench.ts';
import { benchGrowth } from './audit/growth-bench.ts';
import { benchSealing } from './audit/sealing-bench.ts';
import { type Comparison, tableOf } from './comparison.ts';
import { startDatabase } from './database.ts';
import { benchFactors } from './factors/factors-bench.ts';
import { benchGrace } from './grace/grace-bench.ts';
import { benchHttp } from './http/http-bench.ts';
import { benchLists } from './lists/list-bench.ts';
import { benchState } from './state/state-bench.ts';

const parts = ['grace', 'audit', 'http', 'factors', 'lists', 'state', 'sealing', 'growth'] as const;
const usage = `npm run bench -- [--rounds N] [--seconds S] [--only ${parts.join('|')}] [--rows 1000000,10000000]`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    seconds: { type: 'string', default: '1' },
    only: { type: 'string' },
    /** For growth: the logs that are filled and compared with an empty one. */
    rows: { type: 'string', default: '1000000,10000000' },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const sizes = values.rows.split(',').map(Number);
// Growth only where it is asked for: ten million rows take several minutes and eight gigabytes.
const chosen = parts.filter((part) => (values.only === undefined ? part !== 'growth' : values.only === part));
if (!(rounds >= 1) || !(seconds > 0) || chosen.length === 0 || !sizes.every((size) => size >= 1)) {
  throw new RangeError(usage);
}

const before = loadavg();
const comparisons: Comparison[] = [];
const database = await startDatabase();
try {
  if (chosen.includes('grace')) comparisons.push(...(await benchGrace(rounds)));
  if (chosen.includes('audit')) comparisons.push(...(await benchAudit(database, rounds, seconds)));
  if (chosen.includes('factors')) comparisons.push(...(await benchFactors(rounds, seconds / 4)));
  if (chosen.includes('lists')) comparisons.push(...(await benchLists(database, rounds)));
  if (chosen.includes('state')) comparisons.push(...(await benchState(database, rounds)));
  if (chosen.includes('sealing')) comparisons.push(...(await benchSealing(database, rounds)));
  if (chosen.includes('growth')) comparisons.push(...(await benchGrowth(database, rounds, seconds, sizes)));
  if (chosen.includes('http')) comparisons.push(...(await benchHttp(database, rounds, seconds)));
} finally {
  await database.close();
}

const results = new URL('../results/', import.meta.url);
const machine = {
  node: process.version,
  platform: `${process.platform} ${process.arch}`,
  cores: availableParallelism(),
  // Of others, where nothing of ours ran yet: rounds on a busy machine spread more.
  loadBefore: before.map((load) => Number(load.toFixed(2))),
};
const file = new URL(`${new Date().toISOString().replace(/[:.]/g, '-')}.json`, results);
mkdirSync(results, { recursive: true });
writeFileSync(file, `${JSON.stringify({ machine, rounds, seconds, comparisons }, null, 2)}\n`);
console.log(tableOf(comparisons));
console.log(`\n${rounds} rounds on ${machine.cores} cores, Node ${machine.node}, load before ${before[0]?.toFixed(1)}`);
