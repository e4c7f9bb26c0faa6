import t from 'tap';
import { CountersignError } from '../../src/errors/countersign-error.ts';
import { type ListSifter, siftBundle } from '../../src/fhir/sift-bundle.ts';

const system = 'urn:codes';
const sensitive = { coding: [{ system, code: 'psy' }] };

/** Withholds what carries the code `psy`, as a countersign with a category for it and no proof would. */
const sifter: ListSifter<{ workspaceId: string }> = {
  async filter(_principal, items, describe) {
    const isOpen = (item: (typeof items)[number]) =>
      describe(item).categories.every((one) => typeof one === 'string' || one.code !== 'psy');
    return { visible: items.filter(isOpen), withheld: items.filter((item) => !isOpen(item)) };
  },
};
const sift = <B extends object>(bundle: B) => siftBundle(sifter, { workspaceId: 'clinic' }, bundle);

const visit = (id: string, patientId: string, more: object = {}) => ({
  resourceType: 'Encounter',
  id,
  subject: { reference: `Patient/${patientId}` },
  ...more,
});
const entry = (resource: { resourceType: string; id: string }, mode = 'match') => ({
  fullUrl: `https://ehr.example.org/fhir/${resource.resourceType}/${resource.id}`,
  resource,
  search: { mode },
});
const open = visit('e1', 'p1');
const hidden = visit('e2', 'p2', { type: [sensitive] });
const outcome = {
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'information', code: 'suppressed' }],
};

t.test('a searchset loses what is withheld, says so, and counts what is left', async (t) => {
  const link = [{ relation: 'self', url: 'https://ehr.example.org/fhir/Encounter?_count=2' }];
  const bundle = { resourceType: 'Bundle', type: 'searchset', total: 2, link, entry: [entry(hidden), entry(open)] };
  const before = structuredClone(bundle);
  const sifted = await sift(bundle);
  t.match(sifted, { type: 'searchset', total: 1, link });
  t.equal(sifted.entry.length, 2);
  t.strictSame(sifted.entry[0], entry(open));
  t.match(sifted.entry[1], { search: { mode: 'outcome' }, resource: outcome });
  t.notMatch(JSON.stringify(sifted), /e2|p2|psy/);
  t.strictSame(bundle, before, 'and the Bundle that was given is as it was');
});

t.test('nothing withheld, nothing said', async (t) => {
  const bundle = { resourceType: 'Bundle', type: 'searchset', total: 1, entry: [entry(open)] };
  t.strictSame(await sift(bundle), bundle);
  t.strictSame(await sift({ resourceType: 'Bundle', type: 'searchset', total: 0 }), {
    resourceType: 'Bundle',
    type: 'searchset',
    total: 0,
  });
});

t.test('a total that counts more than the page shows would tell how much is withheld', async (t) => {
  const page = { resourceType: 'Bundle', type: 'searchset', total: 9 };
  t.notOk('total' in (await sift({ ...page, entry: [entry(open)] })), 'one page of several');
  t.notOk('total' in (await sift(page)), '_summary=count');
});

t.test('what was included is judged, and goes with what it was included for', async (t) => {
  const patient = (id: string) => entry({ resourceType: 'Patient', id }, 'include');
  const about = (id: string, of: string) =>
    entry({ ...visit(id, 'p1'), appointment: [{ reference: `Encounter/${of}` }] } as typeof open, 'include');
  const bundle = {
    resourceType: 'Bundle',
    type: 'searchset',
    total: 2,
    entry: [
      entry(open),
      entry(hidden),
      patient('p1'),
      patient('p2'),
      entry(visit('e3', 'p1', { type: [sensitive] }), 'include'),
      about('e4', 'e2'),
      about('e5', 'e1'),
    ],
  };
  const sifted = await sift(bundle);
  t.strictSame(
    sifted.entry.map(({ resource }) => resource.id ?? resource.resourceType),
    ['e1', 'p1', 'e5', 'OperationOutcome'],
  );
  t.equal(sifted.total, 1);
});

t.test('the answer to each request of a batch stays in its place', async (t) => {
  for (const type of ['batch-response', 'transaction-response']) {
    const found = { resourceType: 'Bundle', type: 'searchset', total: 2, entry: [entry(open), entry(hidden)] };
    const response = { status: '200 OK', etag: 'W/"7"', location: 'Encounter/e2/_history/7' };
    const sifted = await sift({
      resourceType: 'Bundle',
      type,
      entry: [
        { resource: open, response: { status: '200' } },
        { fullUrl: 'https://ehr.example.org/fhir/Encounter/e2', resource: hidden, response },
        { response: { status: '404', outcome: { resourceType: 'OperationOutcome' } } },
        { resource: found, response: { status: '200' } },
      ],
    });
    t.equal(sifted.entry.length, 4);
    t.strictSame(sifted.entry[0], { resource: open, response: { status: '200' } });
    t.match(sifted.entry[1], { response: { status: '403 Forbidden', outcome } });
    t.notOk('resource' in (sifted.entry[1] ?? {}));
    t.match(sifted.entry[3], { resource: { total: 1, entry: [entry(open), { resource: outcome }] } });
    t.notMatch(JSON.stringify(sifted), /e2|p2|psy/);
  }
});

t.test('a history loses versions, and the deletion of what it does not show', async (t) => {
  const version = (resource: { resourceType: string; id: string } | undefined, method: string, url: string) => ({
    fullUrl: `https://ehr.example.org/fhir/${url}`,
    ...(resource === undefined ? {} : { resource }),
    request: { method, url },
    response: { status: '200' },
  });
  const sifted = await sift({
    resourceType: 'Bundle',
    type: 'history',
    total: 4,
    entry: [
      version(undefined, 'DELETE', 'Encounter/e2'),
      version(hidden, 'PUT', 'Encounter/e2'),
      version(open, 'PUT', 'Encounter/e1'),
      version(undefined, 'DELETE', 'Encounter/e1'),
    ],
  });
  t.equal(sifted.total, 2);
  t.equal(sifted.entry.length, 3);
  t.match(sifted.entry[2], { resource: outcome, request: {}, response: { status: '403 Forbidden' } });
  t.notMatch(JSON.stringify(sifted), /e2|p2|psy/);
});

t.test('a document is withheld whole', async (t) => {
  const composition = { resourceType: 'Composition', id: 'c1', title: 'Letter', subject: open.subject };
  const document = {
    resourceType: 'Bundle',
    type: 'document',
    entry: [{ resource: composition }, { resource: hidden }],
  };
  const sifted = await sift(document);
  t.match(sifted, { type: 'collection', entry: [{ resource: outcome }] });
  t.equal(sifted.entry.length, 1);
  const harmless = { ...document, entry: [{ resource: composition }] };
  t.strictSame(await sift(harmless), harmless);
});

t.test('what is no Bundle is refused, and odd entries are kept from nobody', async (t) => {
  for (const odd of [{}, { resourceType: 'Patient' }, []]) {
    await t.rejects(sift(odd), new CountersignError('resource_invalid', { field: 'bundle' }));
  }
  const entries = [null, 7, {}, { resource: null }, { resource: 'x' }];
  const odd = { resourceType: 'Bundle', type: 'collection', entry: entries };
  t.strictSame(await sift(odd), odd);
});

t.test('a host says itself whose a resource is', async (t) => {
  const bundle = { resourceType: 'Bundle', type: 'collection', entry: [entry(open), entry(hidden)] };
  const describe = (resource: unknown) =>
    (resource as { id: string }).id === 'e1'
      ? [{ workspaceId: 'clinic', patientId: 'p1', categories: [{ system, code: 'psy' }] }]
      : [];
  const sifted = await siftBundle(sifter, { workspaceId: 'clinic' }, bundle, describe);
  t.strictSame(
    sifted.entry.map(({ resource }) => resource.id),
    ['e2', undefined],
  );
});
