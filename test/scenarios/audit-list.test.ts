// An administrator reads who saw what: by day, person, patient and event, page by page, and only of their own workspace.
import { auditStory, codesOf } from '../support/audit-story.ts';
import type { Answer } from '../support/client.ts';
import { manualClock } from '../support/clock.ts';
import { onEveryAdapter, startHost } from '../support/hosts.ts';

const PATH = '/step-up/admin/audit';

interface Row {
  readonly at: string;
  readonly code: string;
  readonly user: string;
  readonly patient: string;
}

const textOf = (html: string): string => html.replace(/<[^>]*>/g, '').trim();

/** The rows of an audit page, as a person reads them. */
function rowsOf(page: Answer): Row[] {
  const [, body = ''] = page.text.split('<tbody');
  return body
    .split('<tr')
    .slice(1)
    .map((row) => {
      const cells = row.split('<span class="cs-cell">').slice(1);
      return {
        at: /datetime="([^"]+)"/.exec(cells[0] ?? '')?.[1] ?? '',
        code: textOf(/<span class="cs-raw">.*?<\/span>/.exec(cells[1] ?? '')?.[0] ?? ''),
        user: textOf((cells[3] ?? '').split('</td>')[0] ?? ''),
        patient: textOf((cells[4] ?? '').split('</td>')[0] ?? ''),
      };
    });
}

const linkTo = (page: Answer, text: string): string | undefined =>
  new RegExp(`<a [^>]*href="([^"]+)"[^>]*>${text}</a>`).exec(page.text)?.[1]?.replaceAll('&amp;', '&');

onEveryAdapter('an administrator reads the audit log', async (t, adapter) => {
  const host = await startHost(adapter);
  const admin = await host.signedIn('ada', { roles: ['administrator'] });
  const carol = await host.enrolled('carol');
  await host.stepUp(carol.client, carol.secret, '/visits/v1');
  t.equal((await carol.client.get('/visits/v1')).status, 200);
  t.equal((await carol.client.get('/visits/v2')).status, 401);
  const dan = await host.enrolled('dan');
  t.equal((await dan.client.get('/visits/v1')).status, 401);
  await host.events();
  const list = async (query: Record<string, string>) => {
    const page = await admin.get(`${PATH}?${new URLSearchParams(query)}`, { page: true });
    t.equal(page.status, 200);
    t.equal(page.headers.get('cache-control'), 'no-store');
    return rowsOf(page);
  };

  await t.test('it is filtered by person, patient and event, newest first', async (t) => {
    const story = await auditStory(host);
    const carols = await list({ userId: 'carol' });
    t.strictSame(
      carols.map((row) => row.code),
      ['MFA_REQUIRED', 'ACCESS_ALLOWED', 'MFA_SUCCESS', 'MFA_REQUIRED', 'FACTOR_ENROLLED', 'FACTOR_ENROLMENT_STARTED'],
    );
    t.ok(carols.every((row) => row.user === 'carol'));
    t.match(
      await list({ patientId: 'p1', code: 'MFA_REQUIRED' }),
      [
        { code: 'MFA_REQUIRED', user: 'dan', patient: 'p1' },
        { code: 'MFA_REQUIRED', user: 'carol', patient: 'p1' },
      ],
      'filters narrow each other',
    );
    t.strictSame(await list({ userId: 'nobody' }), []);
    t.strictSame(await list({ userId: "' or 1=1 --" }), []);
    const page = await admin.get(`${PATH}?userId=carol&code=MFA_REQUIRED`, { page: true });
    t.equal(page.field('userId'), 'carol', 'the filter stays filled in');
    t.match(page.text, /<option value="MFA_REQUIRED" selected>/);
    t.equal(linkTo(page, 'Clear filter'), PATH);
    t.strictSame(codesOf(await story.next()), [], 'reading it is no event yet');
  });

  await t.test('page by page, every event once, with the filter kept', async (t) => {
    const added = Array.from({ length: 230 }, (_, index) => ({
      code: 'MFA_FAILURE' as const,
      outcome: 'failure' as const,
      workspaceId: 'clinic',
      userId: 'paged',
      patientId: `n${index}`,
    }));
    await host.countersign.audit.append(added);
    const seen: string[] = [];
    let next: string | undefined = `${PATH}?userId=paged`;
    for (const expected of [100, 100, 30]) {
      const page: Answer = await admin.get(next ?? '', { page: true });
      const rows = rowsOf(page);
      t.equal(rows.length, expected);
      t.ok(rows.every((row) => row.user === 'paged'));
      seen.push(...rows.map((row) => row.patient));
      t.equal(linkTo(page, 'Back to the newest'), seen.length === 100 ? undefined : `${PATH}?userId=paged`);
      next = linkTo(page, 'Older events');
    }
    t.equal(next, undefined, 'nothing is older');
    t.equal(new Set(seen).size, 230, 'though all happened at the same moment');
    const garbled = await admin.get(`${PATH}?userId=paged&before=nonsense`, { page: true });
    t.equal(rowsOf(garbled).length, 100, 'a place that is none is the beginning');
  });

  await t.test('of their own workspace, and no other', async (t) => {
    const far = await host.signedIn('fay', { workspaceId: 'elsewhere', roles: ['administrator'] });
    t.equal((await far.get('/visits/far')).status, 403);
    const theirs = rowsOf(await far.get(PATH, { page: true }));
    t.match(theirs, [{ code: 'ACCESS_DENIED', user: 'fay', patient: 'p9' }]);
    t.equal(theirs.length, 1);
    t.strictSame(rowsOf(await far.get(`${PATH}?userId=carol`, { page: true })), []);
    t.strictSame(await list({ userId: 'fay' }), []);
  });

  await t.test('what callers chose to be called is shown, and never run', async (t) => {
    const hostile = '<script>alert("1")</script>';
    const mallory = await host.signedIn(hostile);
    t.equal((await mallory.get('/visits/v1', { headers: { 'user-agent': hostile } })).status, 403);
    const [stored] = (await host.events()).filter((event) => event.userId === hostile);
    t.equal(stored?.userAgent, hostile, 'written down as it came');
    for (const query of ['', `?userId=${encodeURIComponent(hostile)}`, `?from=${encodeURIComponent(hostile)}`]) {
      const page = await admin.get(`${PATH}${query}`, { page: true });
      t.notMatch(page.text, '<script>alert');
      t.notMatch(page.text, '"1"</script');
      t.match(page.headers.get('content-security-policy'), "script-src 'self'");
    }
    t.match(
      (await admin.get(`${PATH}?userId=${encodeURIComponent(hostile)}`, { page: true })).text,
      '&lt;script>alert',
      'and found by it',
    );
  });

  await t.test('a period that is none is said beside its field', async (t) => {
    const cases: [string, string][] = [
      ['from=2026-02-30', 'Enter a date'],
      ['until=tomorrow', 'Enter a date'],
      ['from=2026-03-02&until=2026-03-01', 'This date is before the first one'],
    ];
    for (const [query, problem] of cases) {
      const page = await admin.get(`${PATH}?${query}`, { page: true });
      t.equal(page.status, 422, query);
      t.match(page.text, problem);
      t.strictSame(rowsOf(page), [], 'nothing is shown as if it were the answer');
    }
  });
  t.strictSame(host.faults, []);
  await host.close();
});

onEveryAdapter('a day is a day where the workspace is', async (t, adapter) => {
  // Vienna: UTC+1 until 29 March 2026, 01:00 UTC, and UTC+2 from then on.
  const clock = manualClock('2026-03-28T22:59:59.000Z');
  const host = await startHost(adapter, { clock, web: { timeZone: 'Europe/Vienna' } });
  const admin = await host.signedIn('ada', { roles: ['administrator'] });
  const moments = {
    'the last second of the 28th': '2026-03-28T22:59:59.000Z',
    'the first of the 29th': '2026-03-28T23:00:00.000Z',
    'the last of the 29th, an hour shorter': '2026-03-29T21:59:59.000Z',
    'the first of the 30th': '2026-03-29T22:00:00.000Z',
  };
  const client = await host.signedIn('carol');
  for (const moment of Object.values(moments)) {
    clock.set((Date.parse(moment) - clock.now()) / 1000);
    t.equal((await client.get('/visits/v1')).status, 403);
  }
  const days = async (query: string) =>
    rowsOf(await admin.get(`${PATH}?userId=carol&${query}`, { page: true })).map((row) => row.at);
  const [before, first, last, after] = Object.values(moments);
  t.strictSame(await days('from=2026-03-29&until=2026-03-29'), [last, first]);
  t.strictSame(await days('until=2026-03-28'), [before]);
  t.strictSame(await days('from=2026-03-30'), [after]);
  t.strictSame(await days(''), [after, last, first, before]);
  const page = await admin.get(`${PATH}?userId=carol`, { page: true });
  t.match(page.text, 'Europe/Vienna');
  t.match(page.text, /3\/30\/\d+|Mar 30/, 'instants are written in that zone');
  t.strictSame(
    codesOf(await host.events()).filter((code) => code === 'ACCESS_DENIED'),
    Array.from({ length: 4 }, () => 'ACCESS_DENIED'),
  );
  await host.close();
});
