/**
 * What the packages export is what we promise: growth and loss of it show in review, as a change of
 * exports.snapshot.json. After a change that is meant: `npm run exports:update`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import ts from 'typescript';
import { publishedPackages } from './packages.ts';

const snapshotUrl = new URL('exports.snapshot.json', import.meta.url);

interface EntryExports {
  readonly values: readonly string[];
  readonly types: readonly string[];
}

const entries = publishedPackages().flatMap(({ path, manifest }) =>
  Object.entries(manifest.exports).flatMap(([subpath, target]) =>
    typeof target === 'object' && target.types && target.default
      ? [{ name: join(manifest.name, subpath), types: join(path, target.types), code: join(path, target.default) }]
      : [],
  ),
);
const program = ts.createProgram(
  entries.map(({ types }) => types),
  {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    skipLibCheck: true,
    noEmit: true,
  },
);

t.test('what the packages export is what exports.snapshot.json says', async (t) => {
  const actual: Record<string, EntryExports> = {};
  for (const { name, types, code } of entries) {
    const values = Object.keys(await import(pathToFileURL(code).href)).sort();
    const declared = declaredExports(types);
    actual[name] = { values, types: declared.filter((exported) => !values.includes(exported)) };
    t.strictSame(
      values.filter((value) => !declared.includes(value)),
      [],
      `every value of ${name} has a type`,
    );
  }
  if (process.env.COUNTERSIGN_UPDATE_EXPORTS) writeFileSync(snapshotUrl, `${JSON.stringify(actual, null, 2)}\n`);
  t.strictSame(actual, JSON.parse(readFileSync(snapshotUrl, 'utf8')), 'if meant: npm run exports:update');
});

function declaredExports(file: string): string[] {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  if (!source) throw new Error(`${file} is missing: build first.`);
  const module = checker.getSymbolAtLocation(source);
  return module
    ? checker
        .getExportsOfModule(module)
        .map((symbol) => symbol.name)
        .sort()
    : [];
}
