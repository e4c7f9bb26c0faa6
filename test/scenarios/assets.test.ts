// Scripts and style: kept for a year where they are asked for by their content, asked for again each time where they are not. A
// host's own page names no version, and must not run an old dialog against a new server.
import { onEveryAdapter, startHost } from '../support/hosts.ts';

onEveryAdapter('scripts and style are served to everybody', async (t, adapter) => {
  const host = await startHost(adapter);
  t.teardown(() => host.close());
  const client = host.client();

  for (const [file, type] of [
    ['countersign.css', 'text/css; charset=utf-8'],
    ['countersign.js', 'text/javascript; charset=utf-8'],
    ['step-up.js', 'text/javascript; charset=utf-8'],
    ['passkey.js', 'text/javascript; charset=utf-8'],
  ] as const) {
    const path = `/step-up/assets/${file}`;
    const plain = await client.get(path);
    t.equal(plain.status, 200, file);
    t.equal(plain.headers.get('content-type'), type);
    t.equal(plain.headers.get('cache-control'), 'public, no-cache');
    t.equal(plain.headers.get('x-content-type-options'), 'nosniff');
    const etag = plain.headers.get('etag') ?? '';
    const again = await client.get(path, { headers: { 'if-none-match': etag } });
    t.equal(again.status, 304);
    t.equal((await client.get(`${path}?v=older`)).headers.get('cache-control'), 'public, no-cache');
  }

  const page = await (await host.signedIn('carol')).get('/step-up/factors', { headers: { accept: 'text/html' } });
  const named = /src="(\/step-up\/assets\/countersign\.js\?v=[^"]+)"/.exec(page.text)?.[1] ?? '';
  const kept = await client.get(named);
  t.equal(kept.status, 200);
  t.equal(kept.headers.get('cache-control'), 'public, max-age=31536000, immutable');
});
