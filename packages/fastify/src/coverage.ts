import { CountersignError } from '@countersign/core';
import { type CoverageOptions, type CoverageRow, coverageRow, type Guard, markExempt } from '@countersign/web';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { guardOf } from './require-step-up.ts';

/** A route as it was registered, with the scope that holds its further hooks. */
interface SeenRoute {
  readonly route: RouteOptions & { readonly path: string };
  readonly scope: FastifyInstance;
  readonly ours: boolean;
}

/** What one registration of the plugin has seen of its application's routes. */
export class RouteRecord {
  readonly #seen: SeenRoute[] = [];
  readonly #ours = new WeakSet<object>();
  #complete = false;

  /** A handler of ours: its routes need no guard. */
  own<Handler extends object>(handler: Handler): Handler {
    this.#ours.add(handler);
    return handler;
  }

  isOurs(route: RouteOptions): boolean {
    return this.#ours.has(route.handler);
  }

  see(route: SeenRoute['route'], scope: FastifyInstance): void {
    this.#seen.push({ route, scope, ours: this.isOurs(route) });
  }

  /** From here on nothing is added: the application is ready. */
  complete(): void {
    this.#complete = true;
  }

  rows(app: FastifyInstance, options: CoverageOptions): readonly CoverageRow[] {
    if (!this.#complete) {
      throw new CountersignError('configuration_invalid', {
        field: 'coverage',
        detail: 'coverage was asked before every route was there.',
        cure: 'Call it after await app.ready().',
      });
    }
    const normal = normaliser(app);
    const rows = this.#seen.flatMap(rowsOf);
    const known = new Set(rows.flatMap(({ method, path }) => pathsOf(path).map((one) => `${method} ${normal(one)}`)));
    const others = printedRoutes(app).filter(({ method, path }) => !known.has(`${method} ${normal(path)}`));
    return markExempt([...rows, ...others], options);
  }
}

/**
 * Every route of an application, with its guard or the lack of one. Routes from before the plugin, and those of scopes that it
 * does not reach, are `unknown`. Call it after `await app.ready()`, with the instance that the plugin is registered on.
 */
export function coverage(app: FastifyInstance, options: CoverageOptions = {}): readonly CoverageRow[] {
  const { countersignCoverage } = app as { countersignCoverage?: FastifyInstance['countersignCoverage'] };
  return countersignCoverage === undefined
    ? markExempt(printedRoutes(app), options)
    : countersignCoverage.call(app, options);
}

function rowsOf({ route, scope, ours }: SeenRoute): CoverageRow[] {
  const guards = [...hooksOf(route), ...hooksOfScope(scope)].flatMap((hook) => guardOf(hook) ?? []);
  return [route.method].flat().map((method) => {
    const row = coverageRow(method, route.path, guards as Guard<never, unknown>[]);
    return ours ? { method: row.method, path: row.path, state: 'ours' } : row;
  });
}

const phases = ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const;

/** What runs before a route's handler, of its own. */
export const hooksOf = (route: RouteOptions): unknown[] => phases.flatMap((phase) => route[phase] ?? []);

/**
 * What `addHook` has put before every route of a scope. Fastify keeps it under a symbol of its own; where a release does not,
 * such routes are reported without a guard rather than with one.
 */
function hooksOfScope(scope: FastifyInstance): unknown[] {
  for (let at: object | null = scope; at !== null; at = Object.getPrototypeOf(at)) {
    const symbol = Object.getOwnPropertySymbols(at).find(({ description }) => description === 'fastify.hooks');
    const held: unknown = symbol === undefined ? undefined : Reflect.get(at, symbol);
    if (typeof held === 'object' && held !== null) return phases.flatMap((phase) => Reflect.get(held, phase) ?? []);
  }
  return [];
}

/** All that the router holds, whoever registered it, read from its own drawing. */
function printedRoutes(app: FastifyInstance): CoverageRow[] {
  const above: string[] = [];
  return app
    .printRoutes()
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', branch, label = ''] = /^((?:│ {3}| {4})*)(├── |└── )?(.*)$/u.exec(line) ?? [];
      const [, segment = label, methods] = /^(.*?) \(([A-Z, -]+)\)(?: \{.*)?$/.exec(label) ?? [];
      // Without a branch of its own a line says more about the place of the one before.
      const depth = indent.length / 4 - (branch === undefined ? 1 : 0);
      above.splice(Math.max(depth, 0));
      above.push(segment);
      return (methods ?? '')
        .split(', ')
        .filter((method) => method !== '')
        .map((method): CoverageRow => ({ method, path: above.join(''), state: 'unknown' }));
    });
}

/** An optional parameter at the end makes two routes. */
function pathsOf(path: string): readonly string[] {
  const [, without, parameter] = /^(.*)(\/:[^/?]+)\?$/.exec(path) ?? [];
  return without === undefined || parameter === undefined ? [path] : [without || '/', `${without}${parameter}`];
}

/** As the router writes a path, under this application's own rules. */
function normaliser(app: FastifyInstance): (path: string) => string {
  const { routerOptions, ...older } = app.initialConfig;
  const { caseSensitive, ignoreTrailingSlash, ignoreDuplicateSlashes } = { ...older, ...routerOptions };
  return (path) => {
    let normal = path;
    if (ignoreDuplicateSlashes === true) normal = normal.replace(/\/{2,}/g, '/');
    if (ignoreTrailingSlash === true) normal = normal.replace(/(.)\/$/, '$1');
    return caseSensitive === false ? normal.toLowerCase() : normal;
  };
}
