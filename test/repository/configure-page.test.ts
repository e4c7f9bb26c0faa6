/**
 * docs/guides/configure.md against the code: each table behind `<!-- options: Name -->` has exactly the members of that exported
 * type, and where the options are validated at start-up, the defaults and ranges that it says.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import ts from 'typescript';
import { root } from './packages.ts';

interface Row {
  readonly name: string;
  readonly fallback: string;
  readonly range: string;
}

/** What a validator makes of options: the defaults of what is left out, and the members it finds fault with. */
interface Judged {
  readonly resolved: unknown;
  readonly faults: readonly string[];
}

const tables = tablesOf(readFileSync(join(root, 'docs/guides/configure.md'), 'utf8'));

/** Where each type is declared, and the type whose members it inherits and another table lists. */
const documented: Readonly<Record<string, { readonly from: string; readonly inherits?: string }>> = {
  CountersignOptions: { from: 'core' },
  CategoryOptions: { from: 'core' },
  PasskeyOptions: { from: 'core' },
  RecoveryCodesOptions: { from: 'core' },
  TotpOptions: { from: 'core' },
  MemorySessionStateOptions: { from: 'core' },
  PostgresSessionStateOptions: { from: 'postgres' },
  RedisSessionStateOptions: { from: 'redis' },
  OidcRecheckOptions: { from: 'sign-in' },
  SmtpServer: { from: 'mail' },
  TwilioSmsOptions: { from: 'delivery' },
  WebhookSmsOptions: { from: 'delivery' },
  SyslogSinkOptions: { from: 'delivery' },
  PinoSinkOptions: { from: 'delivery' },
  FileCheckpointsOptions: { from: 'delivery' },
  ObjectLockCheckpointsOptions: { from: 'delivery' },
  WebhookCheckpointsOptions: { from: 'delivery' },
  Principal: { from: 'core' },
  StoreOptions: { from: 'postgres' },
  MigrateOptions: { from: 'postgres' },
  WebOptions: { from: 'web' },
  GuardOptions: { from: 'web' },
  CountersignFastifyOptions: { from: 'fastify', inherits: 'WebOptions' },
  CountersignExpressOptions: { from: 'express', inherits: 'WebOptions' },
};

t.test('the page has a table for every kind of options', async (t) => {
  t.strictSame([...tables.keys()].sort(), Object.keys(documented).sort());
});

t.test('each table has exactly the members of its type', async (t) => {
  const entries = [...new Set(Object.values(documented).map(({ from }) => from))];
  const program = ts.createProgram(
    entries.map((name) => declarations(name)),
    { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, strict: true, noEmit: true },
  );
  const membersOf = (type: string): string[] => {
    const { from = '', inherits } = documented[type] ?? {};
    const own = membersOfExport(program, declarations(from), type);
    const inherited = inherits === undefined ? [] : membersOf(inherits);
    return own.filter((name) => !inherited.includes(name));
  };
  for (const type of Object.keys(documented)) {
    const rows = tables.get(type) ?? [];
    t.strictSame(rows.map(({ name }) => name).sort(), membersOf(type).sort(), type);
  }
});

t.test('defaults and ranges are those of the code', async (t) => {
  const { resolveConfiguration } = await load('core/dist/configuration/configuration.js');
  const { resolveWebOptions } = await load('web/dist/options.js');
  const { checkOptions } = await load('postgres/dist/open-database.js');
  const { checkSessionStateOptions } = await load('postgres/dist/session-state/postgres-session-state.js');
  const { resolveRecheckOptions } = await load('sign-in/dist/recheck-options.js');
  const { checkRedisOptions } = await load('redis/dist/redis-session-state.js');
  const action = () => undefined;
  const needed = {
    store: { ready: action, factors: action, openAuditConnection: action },
    publicUrl: 'https://ehr.example.org',
    keys: { current: 'k1', all: { k1: Buffer.from(Array.from({ length: 32 }, (_, at) => at * 7)) } },
    categories: [{ id: '5', name: 'Ketamine infusion' }],
    factors: [{ id: 'totp', strength: 'any', invite: action, confirm: action, isWellFormed: action, check: action }],
    // Off where it is left out.
    emergencyAccess: { roles: ['physician'], spool: { folder: './spool' } },
  };
  const validators: Readonly<Record<string, (options: object) => Judged>> = {
    CountersignOptions: (options) => judge(() => resolveConfiguration!({ ...needed, ...options })),
    CategoryOptions: (options) => {
      const categories = [{ ...needed.categories[0], ...options }];
      const { resolved, faults } = judge(() => resolveConfiguration!({ ...needed, categories }));
      const [category] = (resolved as { categories?: Map<string, unknown> } | null)?.categories?.values() ?? [];
      return { resolved: category, faults: faults.map((fault) => fault.replace('categories[0].', '')) };
    },
    WebOptions: (options) => judge(() => resolveWebOptions!(options)),
    StoreOptions: (options) => judge(() => checkOptions!(options)),
    PostgresSessionStateOptions: (options) => judge(() => checkSessionStateOptions!(options)),
    OidcRecheckOptions: (options) => {
      const own = { issuer: 'https://login.example.org', clientId: 'ehr', clientSecret: 'secret', subjectOf: action };
      const { resolved, faults } = judge(() => resolveRecheckOptions!({ ...own, ...options }));
      return { resolved, faults: faults.map((fault) => fault.replace('oidcRecheck.', '')) };
    },
    RedisSessionStateOptions: (options) => {
      const { resolved, faults } = judge(() => checkRedisOptions!({ url: 'redis://127.0.0.1', ...options }));
      return { resolved, faults: faults.map((fault) => fault.replace('redisSessionState.', '')) };
    },
  };
  for (const [type, validate] of Object.entries(validators)) {
    const { resolved, faults } = validate({});
    t.strictSame(faults, [], `${type}: nothing more is needed`);
    for (const { name, fallback, range } of tables.get(type) ?? []) {
      const stated = /^`(.*)`$/.exec(fallback)?.[1];
      if (stated !== undefined)
        t.strictSame(valueAt(resolved, name), JSON.parse(stated), `${type}: default of ${name}`);
      const [, least, most] = /^(\d+)(?: to (\d+)| or more)$/.exec(range) ?? [];
      if (least === undefined) continue;
      const refused = (value: number) => validate(nested(name, value)).faults.includes(name);
      t.notOk(refused(Number(least)), `${type}: ${name} may be ${least}`);
      t.ok(refused(Number(least) - 1), `${type}: ${name} may not be less than ${least}`);
      if (most === undefined) continue;
      t.notOk(refused(Number(most)), `${type}: ${name} may be ${most}`);
      t.ok(refused(Number(most) + 1), `${type}: ${name} may not be more than ${most}`);
    }
  }
});

function tablesOf(page: string): Map<string, readonly Row[]> {
  const found = new Map<string, readonly Row[]>();
  for (const [, type = '', table = ''] of page.matchAll(/<!-- options: (\w+) -->\n+((?:\|.*\n)+)/g)) {
    const rows = table
      .trim()
      .split('\n')
      .map((line) => line.split('|').map((cell) => cell.trim()));
    const [header = []] = rows;
    const cell = (row: readonly string[], column: string) => row[header.indexOf(column)] ?? '';
    found.set(
      type,
      rows.slice(2).map((row) => ({
        name: cell(row, 'Option').replaceAll('`', ''),
        fallback: cell(row, 'Default'),
        range: cell(row, 'Range'),
      })),
    );
  }
  return found;
}

const declarations = (folder: string): string => join(root, 'packages', folder, 'dist', 'index.d.ts');

/** Members of an exported object type by their dotted names; groups of options are entered, everything else is a member. */
function membersOfExport(program: ts.Program, file: string, name: string): string[] {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  const exported = module && checker.getExportsOfModule(module).find((symbol) => symbol.name === name);
  if (!exported) throw new Error(`${file} exports no ${name}: build first.`);
  const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
  const membersOf = (type: ts.Type, prefix: string): string[] =>
    checker.getPropertiesOfType(type).flatMap((property) => {
      const path = `${prefix}${property.name}`;
      const held = checker.getNonNullableType(checker.getTypeOfSymbol(property));
      return isGroup(held) ? membersOf(held, `${path}.`) : [path];
    });
  const isGroup = (type: ts.Type): boolean =>
    (type.flags & ts.TypeFlags.Object) !== 0 &&
    ['__type', 'Theme'].includes(type.symbol?.name) &&
    type.getCallSignatures().length === 0 &&
    checker.getPropertiesOfType(type).length > 0;
  return membersOf(checker.getDeclaredTypeOfSymbol(symbol), '');
}

/** Files of a package by path: validators are nobody's business but its own. */
async function load(path: string): Promise<Record<string, (options: object) => unknown>> {
  return await import(pathToFileURL(join(root, 'packages', path)).href);
}

function judge(resolve: () => unknown): Judged {
  try {
    return { resolved: resolve(), faults: [] };
  } catch (error) {
    const { details } = error as { details: { field?: string; extra?: { problems?: readonly string[] } } };
    const named = (details.extra?.problems ?? []).map((problem) => /^[^\s:]+(?= \(|:)/.exec(problem)?.[0] ?? '');
    return { resolved: null, faults: details.field === undefined ? named : [details.field, ...named] };
  }
}

function valueAt(value: unknown, path: string): unknown {
  let at = value;
  for (const part of path.split('.')) at = typeof at === 'object' && at !== null ? Reflect.get(at, part) : undefined;
  return at;
}

const nested = (path: string, value: unknown): object =>
  path.split('.').reduceRight((held: unknown, part) => ({ [part]: held }), value) as object;
