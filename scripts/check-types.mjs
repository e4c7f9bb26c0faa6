// tap transpiles the tests without checking their types: this does. Build first, tests import the packages' dist.
import { fileURLToPath } from 'node:url';
import { runTsc } from './run-tsc.mjs';

const { ok, output } = runTsc(
  fileURLToPath(new URL('..', import.meta.url)),
  '-p',
  'test/tsconfig.json',
  '--pretty',
  'false',
);
if (!ok) {
  console.error(
    `${output}\nThe tests do not type-check (run \`npm run build\` first if a package is said to lack an export).`,
  );
  process.exit(1);
}
console.log('Types: the tests type-check.');
