/**
 * Which package may import which, and which room of core may look into which. An arrow that is not here is a decision:
 * write it down before you draw it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import t from 'tap';
import ts from 'typescript';
import { publishedPackages } from './packages.ts';

const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  core: [],
  postgres: ['core'],
  web: ['core'],
  fastify: ['core', 'web'],
  express: ['core', 'web'],
  'sign-in': ['core', 'web'],
  redis: ['core'],
  mail: ['core'],
  delivery: ['core'],
  cli: ['core', 'postgres'],
};

/** Rooms of core that may not look into each other freely: what each may import, apart from itself. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  policy: [],
  errors: ['policy', 'session-state'],
  fhir: ['configuration', 'errors'],
  'audit-export': ['audit', 'fhir'],
  spool: ['audit', 'configuration', 'errors', 'keys', 'store'],
  flows: [
    'policy',
    'factors',
    'audit',
    'audit-export',
    'store',
    'session-state',
    'keys',
    'errors',
    'configuration',
    'notices',
    'operation',
    'spool',
  ],
};

/** What core and postgres must do without: HTTP belongs to web and the adapters. */
const HTTP = /^(node:)?(http|https|http2|net|tls)$/;

interface Import {
  readonly file: string;
  readonly line: number;
  readonly specifier: string;
  readonly typeOnly: boolean;
}

const packages = publishedPackages().map((entry) => {
  const src = join(entry.path, 'src');
  return { ...entry, src, imports: sourceFiles(src).flatMap(importsOf) };
});

t.test('the scan sees every kind of import', async (t) => {
  const source = `
    import a from 'one'; import type { B } from 'two'; import { type C } from 'three'; import 'four';
    export * from 'five'; export type { D } from 'six'; const e = await import('seven'); let f: import('eight').F;
    const g = require('nine'); // import 'not-this'
    const h = "import 'nor-this'";`;
  t.strictSame(
    scan('example.ts', source).map(({ specifier, typeOnly }) => [specifier, typeOnly]),
    [
      ['one', false],
      ['two', true],
      ['three', false],
      ['four', false],
      ['five', false],
      ['six', true],
      ['seven', false],
      ['eight', true],
      ['nine', false],
    ],
  );
});

for (const { folder, src, manifest, imports } of packages) {
  t.test(`${manifest.name} imports only what it may`, async (t) => {
    const allowed = PACKAGES[folder];
    if (!allowed) return t.fail(`packages/${folder} has no line in PACKAGES`);
    const declared = [...Object.keys(manifest.dependencies ?? {}), ...Object.keys(manifest.peerDependencies ?? {})];
    for (const entry of imports) {
      const name = packageName(entry.specifier);
      if (name === null) {
        const target = join(dirname(entry.file), entry.specifier);
        if (relative(src, target).startsWith('..')) t.fail(`${where(entry)} leaves its package's src`);
        else if (!existsSync(target)) t.fail(`${where(entry)}: no such file (write the .ts or .tsx ending)`);
      } else if (name === manifest.name) {
        t.fail(`${where(entry)}: inside a package, import the file`);
      } else if (name.startsWith('@countersign/')) {
        if (!allowed.includes(name.slice('@countersign/'.length)))
          t.fail(`${where(entry)}: no arrow ${folder} → ${name}`);
        if (!declared.includes(name)) t.fail(`${where(entry)}: not among the package's dependencies`);
      } else if (isBuiltin(entry.specifier)) {
        if (!entry.specifier.startsWith('node:')) t.fail(`${where(entry)}: write node:${entry.specifier}`);
        if (['core', 'postgres'].includes(folder) && HTTP.test(entry.specifier))
          t.fail(`${where(entry)}: no HTTP in ${folder}`);
      } else if (!declared.includes(name) && !(entry.typeOnly && declared.includes(typesPackage(name)))) {
        t.fail(`${where(entry)}: not among the package's dependencies or peer dependencies`);
      }
    }
    t.pass(`${imports.length} imports read`);
  });

  t.test(`${manifest.name} has no import cycle`, async (t) => {
    const graph = new Map<string, string[]>();
    for (const { file, specifier, typeOnly } of imports) {
      if (typeOnly || packageName(specifier) !== null) continue;
      graph.set(file, [...(graph.get(file) ?? []), join(dirname(file), specifier)]);
    }
    const cycle = findCycle(graph);
    t.equal(cycle?.map((file) => relative(src, file)).join(' → '), undefined);
  });
}

t.test("core's rooms look only where they may", async (t) => {
  const core = packages.find(({ folder }) => folder === 'core');
  if (!core) return t.fail('packages/core is missing');
  const room = (file: string) => {
    const [first = '', ...rest] = relative(core.src, file).split(sep);
    return rest.length > 0 ? first : null; // null: src/index.ts and its neighbours, which put the rooms together
  };
  for (const entry of core.imports) {
    const from = room(entry.file);
    if (from === null) continue;
    if (packageName(entry.specifier) !== null) {
      if (from === 'policy') t.fail(`${where(entry)}: policy imports nothing outside its folder`);
      continue;
    }
    const to = room(join(dirname(entry.file), entry.specifier));
    if (to === from) continue;
    if (to === null) t.fail(`${where(entry)}: a room does not import what puts the rooms together`);
    else if (ROOMS[from] && !ROOMS[from].includes(to)) t.fail(`${where(entry)}: no arrow ${from} → ${to}`);
    else if (to === 'flows') t.fail(`${where(entry)}: nothing below flows imports flows`);
  }
  t.pass('all rooms read');
});

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => join(folder, name))
    .sort();
}

function importsOf(file: string): Import[] {
  return scan(file, readFileSync(file, 'utf8'));
}

function scan(file: string, text: string): Import[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, typeOnly: boolean) => {
    if (!specifier || !ts.isStringLiteralLike(specifier)) return;
    const line = source.getLineAndCharacterOfPosition(specifier.getStart()).line + 1;
    found.push({ file, line, specifier: specifier.text, typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node))
      add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node))
      add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true);
    else if (ts.isCallExpression(node)) {
      const called = node.expression;
      const loads =
        called.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(called) && called.text === 'require');
      if (loads) add(node.arguments[0], false);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** `@scope/name` or `name`; null for a file. */
function packageName(specifier: string): string | null {
  if (specifier.startsWith('.') || specifier.startsWith('/')) return null;
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function isBuiltin(specifier: string): boolean {
  return specifier.startsWith('node:') || builtinModules.includes(specifier);
}

function typesPackage(name: string): string {
  return `@types/${name.replace(/^@/, '').replace('/', '__')}`;
}

function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const walk = (file: string, path: string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const next of graph.get(file) ?? []) {
      const cycle = walk(next, [...path, file]);
      if (cycle) return cycle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of graph.keys()) {
    const cycle = walk(file, []);
    if (cycle) return cycle;
  }
  return undefined;
}

function where({ file, line, specifier }: Import): string {
  const short = file.split(`${sep}packages${sep}`).at(-1);
  return `packages/${short}:${line} imports '${specifier}'`;
}
