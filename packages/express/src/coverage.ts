import { type CoverageOptions, type CoverageRow, coverageRow, type Guard, markExempt } from '@countersign/web';
import { guardDefinitions, ourRouters } from './guard-definitions.ts';

type Definition = Guard<never, unknown>;

/** What we read of a router's stack, in Express 4 and 5. */
interface Layer {
  readonly name?: unknown;
  readonly handle?: unknown;
  readonly route?: { readonly path?: unknown; readonly stack?: unknown } | undefined;
  readonly method?: unknown;
  /** Express 5. */
  readonly rawPath?: unknown;
  readonly slash?: unknown;
  /** Express 4. */
  readonly regexp?: RegExp & { readonly fast_slash?: boolean };
  readonly keys?: readonly { readonly name: unknown }[];
}

/**
 * Every route of an Express application (4 or 5), with its guard or the lack of one, in the order in which they are tried.
 * `unknown` are middlewares under a path of their own and applications mounted into this one: what they answer cannot be seen.
 * Middlewares for every path (sessions, body parsers) are taken for what they usually are, and not listed.
 */
export function coverage(app: object, options: CoverageOptions = {}): readonly CoverageRow[] {
  return markExempt(rowsOf(stackOf(routerOf(app)), '', []), options);
}

/** Express 4 throws where `router` is read, and has none before its first route. */
function routerOf(app: object): unknown {
  const older: unknown = Reflect.get(app, '_router');
  if (older !== undefined && older !== null) return older;
  try {
    return Reflect.get(app, 'router') ?? app;
  } catch {
    return app;
  }
}

function stackOf(router: unknown): readonly Layer[] {
  const isHolder = (typeof router === 'object' && router !== null) || typeof router === 'function';
  const stack: unknown = isHolder ? Reflect.get(router, 'stack') : undefined;
  return Array.isArray(stack) ? stack : [];
}

function rowsOf(layers: readonly Layer[], prefix: string, before: readonly Definition[]): CoverageRow[] {
  // A guard that was given to `use` guards what comes after it in the same router, under the same path.
  const standing: { readonly at: string; readonly guard: Definition }[] = before.map((guard) => ({
    at: prefix,
    guard,
  }));
  const guardsAt = (path: string) =>
    standing.filter(({ at }) => at === prefix || at === path).map(({ guard }) => guard);
  return layers.flatMap((layer): CoverageRow[] => {
    const { handle, route } = layer;
    if (route !== undefined && route !== null) return routeRows(route, prefix, guardsAt(prefix));
    if (typeof handle !== 'function' || handle.length === 4) return [];
    const path = `${prefix}${mountOf(layer)}`;
    const guard = guardDefinitions.get(handle);
    if (guard !== undefined) {
      if (!path.includes('*')) standing.push({ at: path, guard });
      return [];
    }
    const web = ourRouters.get(handle);
    if (web !== undefined) {
      return web.endpoints.map((one) => ({ method: one.endpoint.method, path: `${path}${one.path}`, state: 'ours' }));
    }
    if (Array.isArray(Reflect.get(handle, 'stack'))) return rowsOf(stackOf(handle), path, guardsAt(path));
    const opaque = !isRoot(layer) || ['mounted_app', 'serveStatic'].includes(String(layer.name));
    return opaque ? [{ method: 'ALL', path: `${path.replace(/\/$/, '')}/*`, state: 'unknown' }] : [];
  });
}

function routeRows(route: NonNullable<Layer['route']>, prefix: string, standing: readonly Definition[]): CoverageRow[] {
  const layers = stackOf(route);
  const methods = [...new Set(layers.map(({ method }) => (typeof method === 'string' ? method : null)))];
  const paths = [route.path].flat(Number.POSITIVE_INFINITY).map((path) => `${prefix}${textOf(path)}`);
  return methods.flatMap((method) => {
    const chain = layers.filter((layer) => layer.method === undefined || layer.method === method);
    // The last one is the handler: a guard in its place guards nothing.
    const guards = chain.slice(0, -1).flatMap(({ handle }) => {
      const definition = typeof handle === 'function' ? guardDefinitions.get(handle) : undefined;
      return definition ?? [];
    });
    return paths.map((path) => coverageRow(method?.toUpperCase() ?? 'ALL', path, [...standing, ...guards]));
  });
}

const isRoot = ({ slash, regexp }: Layer): boolean => slash === true || regexp?.fast_slash === true;

/** Where a layer is mounted: Express 5 keeps the path, Express 4 an expression made of it. */
function mountOf(layer: Layer): string {
  if (isRoot(layer)) return '';
  if (layer.rawPath !== undefined) return [layer.rawPath].flat(Number.POSITIVE_INFINITY).map(textOf).join('|');
  const names = (layer.keys ?? []).map(({ name }) => String(name));
  const end = '\\/?(?=\\/|$)';
  const paths = `${layer.regexp?.source ?? ''}|`.split(`${end}|`).map((source) => {
    const named = source.replace(/\(\?:\\\/\(\[\^\\?\/\]\+\?\)\)/g, () => `/:${names.shift()}`);
    return /^\^(?:[\w/:~%@!&',;=-]|\\[/.])+$/.test(named) ? named.slice(1).replace(/\\(.)/g, '$1') : null;
  });
  // Behind the last one there is nothing, where it is an expression that Express made.
  const known = paths.slice(0, -1).filter((path) => path !== null);
  return known.length > 0 && known.length === paths.length - 1 ? known.join('|') : '/*';
}

const textOf = (path: unknown): string => (typeof path === 'string' ? (path === '/' ? '' : path) : `/${String(path)}`);
