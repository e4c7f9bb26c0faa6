// The back button after the session, a shared proxy, a CDN: a copy of a record that a cache kept is served without any decision.
// Everything behind a guard, and everything we refuse, says no-store, whatever the handler says and however it answers.
import type { ServerResponse } from 'node:http';
import { onEveryVersion, startHost } from '../support/hosts.ts';
import { rawRequest } from '../support/raw-request.ts';
import { createRealStore } from '../support/real-store.ts';

const KEEP = 'public, max-age=3600';

/** Each way that Node has of sending headers. */
const rawAnswers: Readonly<Record<string, (response: ServerResponse, notes: string) => void>> = {
  object: (response, notes) => response.writeHead(200, { 'Cache-Control': KEEP }).end(notes),
  reason: (response, notes) => response.writeHead(200, 'Fine', { 'CACHE-CONTROL': KEEP }).end(notes),
  'no-reason': (response, notes) => {
    const writeHead = response.writeHead as (...given: unknown[]) => ServerResponse;
    writeHead.call(response, 200, { 'cache-control': KEEP }, undefined).end(notes);
  },
  'null-reason': (response, notes) => {
    const writeHead = response.writeHead as (...given: unknown[]) => ServerResponse;
    writeHead.call(response, 200, undefined, { 'cache-control': KEEP }).end(notes);
  },
  list: (response, notes) => response.writeHead(200, ['Cache-Control', KEEP, 'X-Own', '1']).end(notes),
  bare: (response, notes) => response.writeHead(200).end(notes),
  'set-header': (response, notes) => {
    response.setHeader('Cache-Control', KEEP);
    response.setHeader('X-Own', '1');
    response.end(notes);
  },
  'set-headers': (response, notes) => {
    response.setHeaders(new Headers({ 'cache-control': KEEP }));
    response.end(notes);
  },
  append: (response, notes) => {
    response.appendHeader('cache-control', KEEP).appendHeader('cache-control', 'immutable');
    response.end(notes);
  },
  removed: (response, notes) => {
    response.removeHeader('cache-control');
    response.end(notes);
  },
  'removed-all': (response, notes) => {
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    response.end(notes);
  },
  flushed: (response, notes) => {
    response.setHeader('cache-control', KEEP);
    response.flushHeaders();
    response.end(notes);
  },
  piecemeal: (response, notes) => {
    response.setHeader('cache-control', KEEP);
    response.write(notes.slice(0, 3));
    response.end(notes.slice(3));
  },
  cdn: (response, notes) => {
    response.setHeader('CDN-Cache-Control', KEEP);
    response
      .writeHead(200, {
        'Surrogate-Control': 'max-age=3600',
        'Example-CDN-Cache-Control': KEEP,
        'X-Accel-Expires': '3600',
      })
      .end(notes);
  },
  late: (response, notes) => {
    response.end(notes);
  },
};

onEveryVersion('nothing that a guard has let through, or turned away, is kept', async (t, adapter) => {
  const host = await startHost(adapter, {
    store: await createRealStore(),
    rawAnswers,
    // A middleware that has its say just before the headers go, as on-headers lets one.
    onRequest: (request, response) => {
      if (request.url !== '/raw/v1/late') return;
      const { writeHead } = response;
      response.writeHead = ((...given: [number]) => {
        response.setHeader('cache-control', KEEP);
        return Reflect.apply(writeHead, response, given);
      }) as typeof writeHead;
    },
  });
  const { client, secret } = await host.enrolled('carol');
  const { client: other } = await host.enrolled('dave');
  await host.stepUp(client, secret, '/visits/v1');

  await t.test('a handler’s own max-age, by every way of answering', async (t) => {
    for (const way of Object.keys(rawAnswers)) {
      const opened = await rawRequest(client, { target: `/raw/v1/${way}` });
      t.match([opened.status, opened.text], [200, 'notes of v1'], way);
      t.equal(opened.headers['cache-control'], 'no-store', way);
      for (const name of ['cdn-cache-control', 'example-cdn-cache-control', 'surrogate-control', 'x-accel-expires'])
        t.equal(opened.headers[name], undefined, way);
      if (way === 'list' || way === 'set-header') t.equal(opened.headers['x-own'], '1', 'other headers stay');
      const refused = await rawRequest(other, { target: `/raw/v1/${way}` });
      t.match([refused.status, refused.headers['cache-control']], [401, 'no-store'], way);
    }
    const unread = await client.get('/raw/v1');
    t.match([unread.text, unread.headers.get('cache-control')], ['notes of v1', 'no-store']);
    t.equal((await client.send('HEAD', '/cached/v1')).headers.get('cache-control'), 'no-store');
  });

  await t.test('an entity tag is no way past the end of the grace period', async (t) => {
    const headers = { 'if-none-match': '"same"', 'cache-control': 'only-if-cached' };
    const first = await client.get('/cached/v1');
    t.match([first.status, first.headers.get('cache-control')], [200, 'no-store']);
    const fresh = await client.get('/cached/v1', { headers });
    t.match([fresh.status, fresh.headers.get('cache-control'), fresh.text], [304, 'no-store', '']);
    host.clock.set(900);
    for (const path of ['/cached/v1', '/visits/v1', '/raw/v1']) {
      const late = await client.get(path, {
        headers: { ...headers, 'if-none-match': '*', 'if-modified-since': new Date().toUTCString() },
      });
      t.match([late.status, late.headers.get('cache-control')], [401, 'no-store'], path);
      t.match(late.json(), { reasons: [{ kind: 'expired' }] });
      t.notMatch(late.text, 'notes of');
      t.equal(late.headers.get('etag'), null);
    }
    t.match((await host.events('carol')).at(-1), { code: 'MFA_REQUIRED', reason: 'expired' });
  });

  await t.test('every kind of refusal, and every page and endpoint of ours', async (t) => {
    const stranger = host.client();
    const json = { notes: 'x' };
    const challenge = String((await client.get('/visits/v1', { page: true })).headers.get('location'));
    for (const [why, answer, status] of [
      ['not signed in', await stranger.get('/visits/v1'), 401],
      ['not signed in, a page', await stranger.get('/visits/v1', { page: true }), 401],
      ['asked', await client.get('/visits/v1'), 401],
      ['sent to the challenge', await client.get('/visits/v1', { page: true }), 303],
      ['a form', await client.post('/visits/v1', { form: json, page: true }), 401],
      ['not there', await client.get('/visits/none'), 404],
      ['of another workspace', await client.get('/visits/far'), 404],
      ['not to be loaded', await client.get('/visits/broken'), 503],
      ['no factor', await (await host.signedIn('erin')).get('/visits/v1'), 403],
      ['in a handler', await client.get('/resolver/v1'), 401],
      [
        'foreign',
        await client.post('/visits/v1', { form: json, page: true, headers: { origin: 'https://evil.example' } }),
        403,
      ],
      ['the challenge', await client.get(challenge, { page: true }), 200],
      ['no such challenge', await client.get(`/step-up/challenge/${'x'.repeat(22)}`, { page: true }), 404],
      ['own factors', await client.get('/step-up/factors', { page: true }), 200],
      ['the session', await client.get('/api/v1/auth/session'), 200],
      ['settings', await client.get('/step-up/admin/settings', { page: true }), 403],
      ['the log', await client.get('/step-up/admin/audit', { page: true }), 403],
      ['a bad answer', await client.post('/api/v1/auth/mfa/verify', { json: {} }), 400],
      ['no such file', await client.get('/step-up/assets/none.js'), 404],
    ] as const) {
      t.match([answer.status, answer.headers.get('cache-control')], [status, 'no-store'], why);
    }
  });
  await host.close();
});
