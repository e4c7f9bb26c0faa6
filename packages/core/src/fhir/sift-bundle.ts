import type { Coding } from '../configuration/detect-categories.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import { fhirLabels } from './fhir-labels.ts';
import { isObject, type JsonObject, listOf, objectsIn, resourceTypeOf } from './read-json.ts';
import { suppressedOutcome } from './suppressed-outcome.ts';

/** Whose a resource is and what it carries. */
export interface ResourceLabels {
  readonly workspaceId: string;
  /** Null: of no patient, or nobody can say of which. */
  readonly patientId: string | null;
  /** Category ids, or codings that categories declare. */
  readonly categories: readonly (string | Coding)[];
}

/** What can split a list: `Countersign`. */
export interface ListSifter<P> {
  filter<Item>(
    principal: P,
    items: readonly Item[],
    describe: (item: Item) => ResourceLabels,
  ): Promise<{ readonly visible: readonly Item[]; readonly withheld: readonly Item[] }>;
}

/** Whose a resource of a Bundle is and what it carries: all of it is judged. An empty list: nothing to judge. */
export type DescribeResource = (resource: unknown) => readonly ResourceLabels[];

/**
 * A copy of a Bundle without what the principal may not see now. Every entry is judged, included ones too, and Bundles in entries.
 *
 * - `searchset`, `history`, `collection`: withheld entries are left out, and one OperationOutcome (`information`, `suppressed`)
 *   says so, in a searchset with `search.mode` `outcome`. What was included only for their sake goes with them, and so do the
 *   deletions of a withheld record. `link` stays.
 * - `batch-response`, `transaction-response`: the answer to a request stands where its request stood, so a withheld entry
 *   becomes `{ response: { status: '403 Forbidden', outcome } }`.
 * - `document`, `message`: one record; if any part is withheld, all of it is.
 *
 * `total` counts what is visible where the Bundle holds all matches, and is left out otherwise: it would tell how much is
 * withheld. `describe` defaults to {@link fhirLabels}. Throws `resource_invalid` where `bundle` is no Bundle.
 */
export async function siftBundle<P extends { readonly workspaceId: string }, B extends object>(
  countersign: ListSifter<P>,
  principal: P,
  bundle: B,
  describe: DescribeResource = (resource) => fhirLabels(resource, principal.workspaceId),
): Promise<B> {
  if (resourceTypeOf(bundle) !== 'Bundle') throw new CountersignError('resource_invalid', { field: 'bundle' });
  const sift = (items: readonly LabelledEntry[]) => countersign.filter(principal, items, ({ labels }) => labels);
  return (await sifted(bundle as JsonObject, describe, sift)) as B;
}

interface LabelledEntry {
  readonly entry: unknown;
  readonly labels: ResourceLabels;
}
type Sift = (items: readonly LabelledEntry[]) => Promise<{ readonly withheld: readonly LabelledEntry[] }>;

async function sifted(bundle: JsonObject, describe: DescribeResource, sift: Sift): Promise<JsonObject> {
  const nested = async (entry: unknown): Promise<unknown> => {
    if (!isObject(entry) || resourceTypeOf(entry.resource) !== 'Bundle') return entry;
    return { ...entry, resource: await sifted(entry.resource as JsonObject, describe, sift) };
  };
  const entries = await Promise.all(listOf(bundle.entry).map(nested));
  const labelled = entries.flatMap((entry) =>
    isObject(entry) && resourceTypeOf(entry.resource) !== 'Bundle'
      ? describe(entry.resource).map((labels) => ({ entry, labels }))
      : [],
  );
  const refused = new Set<unknown>((await sift(labelled)).withheld.map(({ entry }) => entry));
  const { total: _, entry: __, ...rest } = bundle;
  switch (bundle.type) {
    case 'batch-response':
    case 'transaction-response':
      return withEntries(
        rest,
        entries.map((entry) => (refused.has(entry) ? refusedResponse() : entry)),
      );
    case 'document':
    case 'message':
      // A document begins with its Composition and a message with its header: what is left is neither.
      return refused.size > 0
        ? withEntries({ ...rest, type: 'collection' }, [outcomeEntry('collection')])
        : withEntries(rest, entries);
    default: {
      const withheld = withCompany(entries, refused);
      const visible = entries.filter((entry) => !withheld.has(entry));
      const shown = withheld.size > 0 ? [...visible, outcomeEntry(bundle.type)] : visible;
      const total = totalOf(bundle, entries, visible);
      return withEntries(total === null ? rest : { ...rest, total }, shown);
    }
  }
}

/** FHIR has no empty arrays. */
const withEntries = (bundle: JsonObject, entry: readonly unknown[]): JsonObject =>
  entry.length === 0 ? bundle : { ...bundle, entry };

const refusedResponse = (): JsonObject => ({ response: { status: '403 Forbidden', outcome: suppressedOutcome() } });

/** With what the Bundle's invariants ask of an entry (bdl-2 to bdl-4). */
function outcomeEntry(type: unknown): JsonObject {
  const resource = suppressedOutcome();
  if (type === 'searchset') return { resource, search: { mode: 'outcome' } };
  if (type !== 'history') return { resource };
  return { resource, request: { method: 'GET', url: 'OperationOutcome' }, response: { status: '403 Forbidden' } };
}

const modeOf = (entry: unknown): unknown => (isObject(entry) && isObject(entry.search) ? entry.search.mode : undefined);

const isMatch = (entry: unknown): boolean => modeOf(entry) !== 'include' && modeOf(entry) !== 'outcome';

/** Null where the Bundle is one page of several, or counts what it does not show. */
function totalOf(bundle: JsonObject, entries: readonly unknown[], visible: readonly unknown[]): number | null {
  const { total } = bundle;
  if (typeof total !== 'number') return null;
  return entries.filter(isMatch).length === total ? visible.filter(isMatch).length : null;
}

/**
 * The withheld entries with those that would tell of them: what was included for them alone, or refers to them, and entries
 * without content that are about the same record.
 */
function withCompany(entries: readonly unknown[], refused: ReadonlySet<unknown>): ReadonlySet<unknown> {
  if (refused.size === 0) return refused;
  const withheld = new Set(refused);
  const names = (some: Iterable<unknown>) => new Set([...some].flatMap(namesOf));
  const hidden = names(refused);
  const named = (entry: unknown, among: ReadonlySet<string>) => namesOf(entry).some((name) => among.has(name));
  for (const entry of entries) {
    if (isObject(entry) && entry.resource === undefined && named(entry, hidden)) withheld.add(entry);
  }
  const visible = entries.filter((entry) => !withheld.has(entry) && isMatch(entry));
  const referred = {
    hidden: new Set([...refused].flatMap(referencesOf)),
    shown: new Set(visible.flatMap(referencesOf)),
  };
  const shown = names(visible);
  for (const entry of entries) {
    if (modeOf(entry) !== 'include' || withheld.has(entry)) continue;
    const refersTo = referencesOf(entry);
    const linked = (among: ReadonlySet<string>, referredBy: ReadonlySet<string>) =>
      named(entry, referredBy) || refersTo.some((reference) => among.has(reference));
    if (linked(hidden, referred.hidden) && !linked(shown, referred.shown)) withheld.add(entry);
  }
  return withheld;
}

/** `Appointment/17`, however it is addressed. */
const shortName = (address: string): string | null =>
  /([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/.exec(address)?.[1] ?? null;

/** What others call an entry's record by. */
function namesOf(entry: unknown): string[] {
  if (!isObject(entry)) return [];
  const { fullUrl, resource, request } = entry;
  const type = resourceTypeOf(resource);
  const own = type !== null && isObject(resource) && typeof resource.id === 'string' ? `${type}/${resource.id}` : null;
  const addresses = [fullUrl, isObject(request) ? request.url : undefined].filter((one) => typeof one === 'string');
  return [own, ...addresses, ...addresses.map(shortName)].filter((name) => name !== null);
}

/** Everything an entry's resource refers to, at any depth. */
function referencesOf(entry: unknown): string[] {
  const found: string[] = [];
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(walk);
    else if (isObject(value)) {
      const { reference } = value;
      if (typeof reference === 'string') {
        found.push(reference);
        const short = shortName(reference);
        if (short !== null) found.push(short);
      }
      Object.values(value).forEach(walk);
    }
  };
  for (const resource of objectsIn(entry, 'resource')) walk(resource);
  return found;
}
