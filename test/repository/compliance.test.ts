/**
 * Every row of docs/compliance.md names the test that proves it. That the paths exist is held by doc-links.test.ts; here: that no row
 * is without one, that each is a test, and that what is said to be a setting is one that the guides know.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { root } from './packages.ts';

const rows = readFileSync(join(root, 'docs/compliance.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (---|Clause|What|Number|Sheet) /.test(line))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));

t.test('every row has a test that is there', async (t) => {
  t.ok(rows.length > 40, 'the tables were found');
  for (const [requirement = '', , proof = ''] of rows) {
    const paths = [...proof.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path);
    t.ok(paths.length > 0, `${requirement}: names a test`);
    for (const path of paths)
      t.ok(path.endsWith('.test.ts') && existsSync(join(root, path)), `${requirement}: ${path}`);
  }
});

t.test('every setting is explained', async (t) => {
  const guides = readdirSync(join(root, 'docs/guides')).map((name) =>
    readFileSync(join(root, 'docs/guides', name), 'utf8'),
  );
  for (const [requirement = '', , , setting = ''] of rows) {
    for (const [, name = ''] of setting.matchAll(/`([A-Za-z][\w.]*)[^`]*`/g))
      t.ok(
        guides.some((guide) => guide.includes(name)),
        `${requirement}: ${name}`,
      );
  }
});
