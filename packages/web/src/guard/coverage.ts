import { AssertionError } from 'node:assert';
import { CountersignError } from '@countersign/core';
import { isSafeMethod } from '../http/web-request.ts';
import type { Guard } from './guard.ts';

/** What stands before a route. `unknown`: it may be guarded or not, and cannot be looked into. */
export type CoverageState = 'guarded' | 'unguarded' | 'ours' | 'exempt' | 'unknown';

/** One route of a host, as `coverage(app)` reports it. */
export interface CoverageRow {
  /** In capitals; `ALL` where every method comes here. */
  readonly method: string;
  /** The template. `*` stands for a part that cannot be seen, such as all that is behind a mount. */
  readonly path: string;
  readonly state: CoverageState;
  /** Where it is guarded: for which categories. */
  readonly categories?: readonly string[] | '*';
  readonly action?: string;
}

/** Routes that need no guard: paths as `coverage` reports them (`*` at the end: all that begin so), patterns, or a function. */
export type Exempt = readonly (string | RegExp)[] | ((row: CoverageRow) => boolean);

/** What `coverage(app, options)` and {@link assertCovered} take. */
export interface CoverageOptions {
  /** Routes that are unguarded on purpose. Default: none. */
  readonly exempt?: Exempt;
}

/** The row of a route behind these guards. */
export function coverageRow(method: string, path: string, guards: readonly Guard<never, unknown>[]): CoverageRow {
  const [first] = guards;
  if (first === undefined) return { method, path, state: 'unguarded' };
  const categories = guards.some((guard) => guard.categories === '*')
    ? '*'
    : [...new Set(guards.flatMap((guard) => guard.categories))];
  const action = first.options.action ?? (isSafeMethod(method) ? 'view' : 'edit');
  return { method, path, state: 'guarded', categories, action };
}

/** Marks what is unguarded on purpose. What is guarded stays guarded. */
export function markExempt(rows: readonly CoverageRow[], { exempt = [] }: CoverageOptions): readonly CoverageRow[] {
  const isExempt = typeof exempt === 'function' ? exempt : (row: CoverageRow) => exempt.some((one) => names(one, row));
  return rows.map((row) => {
    const open = row.state === 'unguarded' || row.state === 'unknown';
    return open && isExempt(row) ? { ...row, state: 'exempt' } : row;
  });
}

/**
 * For a test of the host: throws an `AssertionError` that lists every route which is neither guarded nor exempt. A route that
 * cannot be looked into fails like one without a guard, and so does a list without any route.
 */
export function assertCovered(rows: readonly CoverageRow[], options: CoverageOptions = {}): void {
  const marked = markExempt(rows, options);
  const failing = marked.filter(({ state }) => state === 'unguarded' || state === 'unknown');
  if (failing.length === 0 && marked.some(({ state }) => state !== 'ours')) return;
  const lines = failing.map(({ state, method, path }) => `  ${state.padEnd(9)}  ${method} ${path}`);
  const said =
    failing.length === 0
      ? ['No route of the host was seen: coverage(app) was asked too early, or of another application.']
      : [`${failing.length} of ${marked.length} routes are not known to be guarded:`, ...lines, cure];
  throw new AssertionError({ message: said.join('\n'), stackStartFn: assertCovered });
}

const cure = 'Give them requireStepUp, or name those that hold nothing sensitive in exempt.';

function names(pattern: string | RegExp, { path }: CoverageRow): boolean {
  if (typeof pattern === 'string') {
    return path === pattern || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)));
  }
  if (pattern instanceof RegExp) return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).test(path);
  throw new CountersignError('configuration_invalid', {
    field: 'exempt',
    detail: `exempt holds a ${typeof pattern}: paths or patterns are needed.`,
  });
}
