// `enforce` is called while a transaction of the host's own holds the one connection of the embedded database (threat 27). To wait
// for that connection would be to wait for ourselves: it must fail closed, in bounded time, with the cause named; the host's
// transaction ends, and nothing is left behind that would allow or break anything later.
import { verifyStream } from '@countersign/core';
import type { ExpressRequest } from '@countersign/express';
import { openStore } from '@countersign/postgres';
import type { PGlite } from '@electric-sql/pglite';
import type { RequestHandler } from 'express';
import { onEveryAdapter, startHost, testCategories } from '../support/hosts.ts';
import { createPglite } from '../support/pglite.ts';

/** Prescribes within a transaction, and asks in the middle of it. */
async function prescribe(database: PGlite, request: Pick<ExpressRequest, 'stepUp'>, category: string) {
  await database.transaction(async (transaction) => {
    await transaction.query(`insert into prescriptions values ('ketamine')`);
    await request.stepUp?.enforce({ workspaceId: 'clinic', patientId: 'p1', categories: [category], action: 'edit' });
  });
  return { prescribed: true };
}

onEveryAdapter(
  'a transaction holds the only connection: refused in bounded time, nothing hangs',
  async (t, adapter) => {
    const database = await createPglite();
    await database.exec('create table prescriptions (drug text)');
    const prescriptions = async () => (await database.query('select * from prescriptions')).rows.length;
    const store = await openStore(database, { waitSeconds: 0.4 });
    const host = await startHost(adapter, {
      store,
      countersign: { categories: [...testCategories, { id: '5a', name: 'Awaited', accessAudit: 'awaited' }] },
      routes: {
        fastify(app) {
          app.post('/prescribe/:category', async (request) =>
            prescribe(database, request as never, (request.params as { category: string }).category),
          );
        },
        express(app, made) {
          const handler = made.guarded(async (request: ExpressRequest, response) => {
            const made = await prescribe(database, request, (request.params as { category: string }).category);
            response.end(JSON.stringify(made));
          });
          app.post('/prescribe/:category', handler as unknown as RequestHandler);
        },
      },
    });
    const { client, secret } = await host.enrolled('carol');
    const refuse = async (category: string, what: string) => {
      const refused = await client.post(`/prescribe/${category}`, { json: {} });
      t.match(refused.json(), { code: 'store_wait_exceeded', status: 503 }, what);
      t.equal(refused.status, 503, what);
      t.ok(refused.headers.get('retry-after'));
      t.match(refused.json().detail, /one connection/, 'the cause is named');
      t.equal(await prescriptions(), 0, 'the transaction was rolled back');
    };
    await refuse('5', 'a session that was never seen');
    t.equal((await client.get('/visits/v1')).status, 401, 'everything else works');
    await refuse('5', 'a challenge to open');
    t.match(
      host.faults.map(({ code }) => code),
      ['store_wait_exceeded', 'store_wait_exceeded'],
      'the host is told',
    );

    await host.stepUp(client, secret, '/visits/v1');
    await refuse('5a', 'an access whose event is awaited');
    t.equal((await client.post('/prescribe/1', { json: {} })).status, 200, 'nothing sensitive: nothing is asked');
    t.equal(
      (await client.post('/prescribe/5', { json: {} })).status,
      200,
      'within the grace period no database is needed',
    );
    t.equal(await prescriptions(), 2);

    const events = await host.events();
    const allowed = events.filter((event) => event.code === 'ACCESS_ALLOWED' && event.action === 'edit');
    // Of the access that was given up the outcome was unknown: its event may be there, and the access was not.
    const proven = allowed.filter((event) => event.categories === '5');
    t.match(proven, [{ reason: 'proof' }]);
    t.equal(proven.length, 1);
    t.ok(allowed.length <= 2, 'nothing is doubled');
    for (const { stream } of await store.auditStreams()) {
      t.match(await verifyStream(store.auditStream(stream)), { intact: true });
    }
    await host.close();
    await store.close();
  },
);
