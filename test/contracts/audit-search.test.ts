// The search of the audit log, on both databases: page by page in any order it gives what sorting everything gives, both ways, and
// it never looks at more than it says.
import { randomUUID } from 'node:crypto';
import {
  type AuditEventInput,
  type AuditPlace,
  type AuditRecord,
  type AuditSearch,
  type AuditSort,
  auditSortFields,
  type Store,
} from '@countersign/core';
import { openStore } from '@countersign/postgres';
import fc from 'fast-check';
import postgres from 'postgres';
import t from 'tap';
import { createPglite } from '../support/pglite.ts';
import { createDatabase } from '../support/postgres-server.ts';
import { recordsOf } from './records.ts';

interface Backend {
  readonly store: Store;
  query(statement: string): Promise<unknown>;
}

const backends: Record<string, () => Promise<Backend>> = {
  async PGlite() {
    const client = await createPglite();
    const store = await openStore(client);
    t.teardown(() => store.close());
    return { store, query: (statement) => client.exec(statement) };
  },
  async PostgreSQL() {
    const { url } = await createDatabase();
    const client = postgres(url, { max: 1, onnotice: () => {} });
    const store = await openStore(url);
    t.teardown(() => Promise.all([store.close(), client.end()]));
    return { store, query: (statement) => client.unsafe(statement) };
  },
};

/** As the database orders it, said another way: text by its UTF-8 bytes, what has no value last. */
function sorted(events: readonly AuditRecord[], { field, descending }: AuditSort): AuditRecord[] {
  const bytes = (value: unknown): Uint8Array | number =>
    typeof value === 'string' ? Buffer.from(value) : (value as Uint8Array | number);
  const compare = (one: unknown, other: unknown): number => {
    const [a, b] = [bytes(one), bytes(other)];
    return typeof a === 'number' ? a - (b as number) : Buffer.compare(a, b as Uint8Array);
  };
  const direction = descending ? -1 : 1;
  return [...events].sort((one, other) => {
    const [a, b] = [one[field], other[field]];
    if ((a === null) !== (b === null)) return a === null ? 1 : -1;
    const byField = a === null ? 0 : compare(a, b);
    return direction * (byField || one.at - other.at || compare(one.id, other.id));
  });
}

type Paging = { readonly after: AuditPlace } | { readonly before: AuditPlace } | Record<string, never>;

/** Everything a search finds, page by page. */
async function pages(store: Store, search: AuditSearch, first: Paging): Promise<AuditRecord[][]> {
  const all: AuditRecord[][] = [];
  let paging = first;
  while (true) {
    const { events, further } = await store.searchAudit({ ...search, ...paging });
    all.push([...events]);
    if (further === null) return all;
    paging = 'before' in first ? { before: further } : { after: further };
  }
}

const idsOf = (events: readonly AuditRecord[]): string[] => events.map(({ id }) => id);
const some = <T>(...values: readonly T[]) => fc.constantFrom(null, ...values);

const arbitraryEvent: fc.Arbitrary<Partial<AuditEventInput>> = fc.record({
  code: fc.constantFrom('MFA_SUCCESS', 'ACCESS_ALLOWED', 'ACCESS_DENIED'),
  outcome: fc.constantFrom('success', 'refused'),
  userId: some('ana', 'Ana', 'bo', 'ünal', 'zoë'),
  actorId: some('ana', 'root'),
  patientId: some('p1', 'p2', 'P1'),
  categories: some('5', '8', '5,8', '58', '5,12,8'),
  reason: some('', ' ', '10', '9', '\u{1f600}', '\uffee', 'a_b', 'a-b', "it's"),
  emergencyAccessId: some('00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'),
  ip: some('::1', '10.0.0.2', '9.9.9.9'),
});

for (const [name, open] of Object.entries(backends)) {
  t.test(name, async (t) => {
    const { store, query } = await open();
    const stream = randomUUID();
    const connection = await store.openAuditConnection();
    await connection.openStream(stream, null);
    t.teardown(() => connection.close());
    const records = recordsOf(stream);

    await t.test('page by page in any order, both ways, it is what sorting everything gives', async (t) => {
      const criteria = fc.record(
        {
          person: fc.constantFrom('ana', 'root', 'nobody'),
          userId: fc.constantFrom('ana', 'zoë'),
          patientId: fc.constantFrom('p1', 'P1'),
          category: fc.constantFrom('5', '8', '1'),
          codes: fc.constantFrom(['MFA_SUCCESS'], ['ACCESS_ALLOWED', 'ACCESS_DENIED'], []),
          outcome: fc.constantFrom('success' as const, 'refused' as const),
          emergencyAccessId: fc.constant('00000000-0000-4000-8000-000000000001'),
          from: fc.constant(Date.UTC(2026, 2, 2, 9) + 3),
          until: fc.constant(Date.UTC(2026, 2, 2, 9) + 9),
        },
        { requiredKeys: [] },
      );
      const sort = fc.record({ field: fc.constantFrom(...auditSortFields), descending: fc.boolean() });
      await fc.assert(
        fc.asyncProperty(
          fc.array(arbitraryEvent, { minLength: 1, maxLength: 25 }),
          fc.array(
            fc.record({ criteria: fc.oneof(fc.constant({}), criteria), sort, limit: fc.integer({ min: 1, max: 9 }) }),
            {
              minLength: 3,
              maxLength: 3,
            },
          ),
          async (events, searches) => {
            const workspaceId = randomUUID();
            const written = events
              .flatMap((event) => records(1, { ...event, workspaceId }))
              // Several within one millisecond.
              .map((record, n) => ({ ...record, at: Date.UTC(2026, 2, 2, 9) + Math.floor(n / 2) }));
            await connection.append(written);
            for (const { criteria: asked, sort: order, limit } of searches) {
              const search = { ...asked, workspaceId, sort: order, limit };
              const fitting = sorted(written, order).filter((event) => fits(event, asked));
              const forwards = await pages(store, search, {});
              t.same(idsOf(forwards.flat()), idsOf(fitting), JSON.stringify(search));
              t.ok(forwards.every((page) => page.length <= limit));
              const last = fitting.at(-1);
              if (last === undefined) continue;
              const backwards = await pages(store, search, { before: last });
              t.same(idsOf(backwards.reverse().flat()), idsOf(fitting.slice(0, -1)), `back: ${JSON.stringify(search)}`);
            }
          },
        ),
        { numRuns: name === 'PGlite' ? 12 : 25 },
      );
    });

    await t.test('a place that is no record of the workspace is none', async (t) => {
      const workspaceId = randomUUID();
      const [own, foreign] = [records(1, { workspaceId })[0], records(1, { workspaceId: randomUUID() })[0]];
      await connection.append([own!, foreign!]);
      const sort = { field: 'reason', descending: false } as const;
      const unknown = { code: 'input_invalid' };
      await t.rejects(store.searchAudit({ workspaceId, sort, after: foreign! }), unknown, 'another workspace’s');
      await t.rejects(store.searchAudit({ workspaceId, sort, before: { at: own!.at + 1, id: own!.id } }), unknown);
      await t.rejects(store.searchAudit({ workspaceId, sort, after: { at: 0, id: randomUUID() } }), unknown);
      const field = 'workspace_id; drop table' as 'reason';
      await t.rejects(store.searchAudit({ workspaceId, sort: { field, descending: true } }), unknown);
      t.same(idsOf((await store.searchAudit({ workspaceId, sort })).events), [own!.id]);
    });

    // The statements are the same; a log of this length takes PGlite twenty seconds to fill.
    if (name === 'PGlite') return;
    await t.test('it looks at 100,000 events at most, and says so', async (t) => {
      const workspaceId = randomUUID();
      await query(`
        insert into countersign.audit_event (stream, index, id, at, code, outcome, workspace_id, user_id, patient_id, hash)
        select '${randomUUID()}', n, gen_random_uuid(), to_timestamp(1772442000 + n / 10.0), 'ACCESS_ALLOWED', 'success',
          '${workspaceId}', case when n in (10, 110000) then 'rare' else 'often' end,
          case when n % 50000 = 0 then 'p1' else 'p2' end, '\\x00'
        from generate_series(1, 120001) as n;
        analyze countersign.audit_event`);
      const first = await store.searchAudit({ workspaceId, person: 'rare', limit: 10 });
      t.equal(first.events.length, 1, 'of two');
      const rest = await store.searchAudit({ workspaceId, person: 'rare', limit: 10, after: first.further! });
      t.equal(rest.events.length, 1, 'the search goes on where it stopped');
      t.equal(rest.further, null);
      const none = await store.searchAudit({ workspaceId, person: 'nobody' });
      t.same(none.events, []);
      t.not(none.further, null, 'nothing yet is not nothing at all');
      const upwards = { field: 'at', descending: false } as const;
      t.equal((await pages(store, { workspaceId, person: 'rare', sort: upwards }, {})).flat().length, 2);

      const sort = { field: 'userId', descending: true } as const;
      const wide = { code: 'audit_sort_too_wide', details: { field: 'sort' } };
      await t.rejects(store.searchAudit({ workspaceId, sort }), wide);
      await t.rejects(store.searchAudit({ workspaceId, sort, person: 'rare' }), wide, 'no index leaves few of them');
      t.equal((await store.searchAudit({ workspaceId, sort, patientId: 'p1' })).events[0]?.userId, 'often');
      const until = (1772442000 + 5000) * 1000;
      t.equal((await store.searchAudit({ workspaceId, sort, until, limit: 3 })).events.length, 3, 'a shorter period');
    });
  });
}

function fits(event: AuditRecord, asked: Omit<AuditSearch, 'workspaceId'>): boolean {
  const { person, userId, patientId, category, codes, outcome, emergencyAccessId, from, until } = asked;
  return (
    (person === undefined || [event.userId, event.actorId].includes(person)) &&
    (userId === undefined || event.userId === userId) &&
    (patientId === undefined || event.patientId === patientId) &&
    (category === undefined || event.categories?.split(',').includes(category) === true) &&
    (codes === undefined || codes.includes(event.code)) &&
    (outcome === undefined || event.outcome === outcome) &&
    (emergencyAccessId === undefined || event.emergencyAccessId === emergencyAccessId) &&
    (from === undefined || event.at >= from) &&
    (until === undefined || event.at < until)
  );
}
