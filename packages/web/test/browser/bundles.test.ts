// What browsers load is small, and brings nothing along that a strict page would refuse or a server could not import.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import t from 'tap';

const folder = new URL('../../dist/browser/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8');
const gzipped = (name: string) => gzipSync(read(name), { level: 9 }).length;

t.test('what every page loads stays below 12 kB', async (t) => {
  const sizes = { 'countersign.js': gzipped('countersign.js'), 'step-up.js': gzipped('step-up.js') };
  t.ok(sizes['countersign.js'] + sizes['step-up.js'] < 12_000, JSON.stringify(sizes));
});

t.test('the banner of emergency access stands alone, and is smaller still', async (t) => {
  t.ok(gzipped('emergency.js') < 3_000, String(gzipped('emergency.js')));
  t.notMatch(read('emergency.js'), /\bimport\s*["{*(]|\bfrom\s*"|navigator\.credentials/);
});

t.test('WebAuthn is loaded when it is needed, not before', async (t) => {
  for (const name of ['countersign.js', 'step-up.js']) {
    t.notMatch(read(name), /navigator\.credentials/, name);
    t.match(read(name), /import\("\.\/passkey\.js"\)/, name);
    t.notMatch(read(name), /\bimport\s*["{*]|\bfrom\s*"/, `${name} stands alone`);
  }
  t.match(read('passkey.js'), /navigator\.credentials/);
});

t.test('nothing writes markup, runs text, keeps anything in the browser or speaks to the console', async (t) => {
  const unwanted =
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|localStorage|sessionStorage/;
  for (const name of ['countersign.js', 'step-up.js', 'passkey.js', 'emergency.js'])
    t.notMatch(read(name), unwanted, name);
  for (const name of ['countersign.js', 'step-up.js', 'emergency.js']) t.notMatch(read(name), /console\./, name);
});

t.test('it can be imported where there is no DOM, as a server that renders does', async (t) => {
  const module = await import('@countersign/web/browser');
  t.same(Object.keys(module).sort(), ['confirmStepUp', 'stepUpFetch']);
});

t.test('the types need nothing that is not shipped', async (t) => {
  const types = readdirSync(folder).filter((name) => name.endsWith('.d.ts'));
  t.ok(types.includes('step-up.d.ts'));
  for (const name of types) {
    for (const [, specifier = ''] of read(name).matchAll(/(?:from|import\()\s*'([^']+)'/g)) {
      t.ok(types.includes(specifier.replace(/^\.\//, '').replace(/\.ts$/, '.d.ts')), `${name}: ${specifier}`);
    }
  }
});
