// A guard that is misspelt is a guard that is not there (threat 20): a category that nobody declared, an option that nobody reads, a
// number written as text, a passphrase for a key, cookies over plain http, several nodes that do not know of each other. Each must
// stop the start, or at the very least refuse the request, and say what to do about it; and no message repeats a value, which may be
// the secret itself.
import { inspect } from 'node:util';
import { type CountersignOptions, createCountersign, memorySessionState, type Store, totp } from '@countersign/core';
import { countersignExpress } from '@countersign/express';
import { countersignFastify, requireStepUp } from '@countersign/fastify';
import { openStore } from '@countersign/postgres';
import type { GuardOptions } from '@countersign/web';
import Fastify, { type FastifyRequest } from 'fastify';
import t from 'tap';
import { type AdapterName, type Host, onEveryAdapter, startHost } from '../support/hosts.ts';
import { createPglite } from '../support/pglite.ts';
import { createRealStore } from '../support/real-store.ts';
import { sharedHosts } from '../support/shared-hosts.ts';

const PASSPHRASE = 'correct horse battery staple 123';
const KEY = 'q83vEjRWeJASNFZ4kBI0VniQ/9yHZUMhdlQyEAq8j3w=';

const sound = (store: Store): CountersignOptions => ({
  store,
  publicUrl: 'https://ehr.example.org/clinic',
  keys: { current: 'k1', all: { k1: KEY } },
  categories: [{ id: '5', name: 'Ketamine infusion' }],
  factors: [totp({ issuer: 'Example EHR' })],
});

/** Options as JavaScript hosts write them, and what the refusal has to name. */
const wrong: [string, object, RegExp][] = [
  ['a number as text', { accountGraceSeconds: '10' }, /accountGraceSeconds \(a string\)/],
  ['a number as text, deep', { defaults: { graceSeconds: '900' } }, /defaults\.graceSeconds \(a string\)/],
  [
    'a number as text in a list',
    { categories: [{ id: '5', name: 'n', graceSeconds: '0' }] },
    /categories\[0\]\.graceSeconds/,
  ],
  ['no whole number', { attempts: { perWindow: 10.5 } }, /attempts\.perWindow/],
  ['no number', { attempts: { consecutive: Number.NaN } }, /attempts\.consecutive/],
  ['without bound', { attempts: { perWindow: Number.POSITIVE_INFINITY } }, /attempts\.perWindow/],
  ['more than NIST allows', { attempts: { consecutive: 101 } }, /attempts\.consecutive .*at most 100/],
  ['a category id as a number', { categories: [{ id: 5, name: 'n' }] }, /categories\[0\]\.id \(a number\)/],
  ['a category id with a blank', { categories: [{ id: ' 5', name: 'n' }] }, /categories\[0\]\.id/],
  [
    'a category twice',
    {
      categories: [
        { id: '5', name: 'n' },
        { id: '5', name: 'm' },
      ],
    },
    /categories has 5 twice/,
  ],
  ['no category', { categories: [] }, /categories/],
  ['no factor', { factors: [] }, /factors/],
  [
    'a strength nobody has',
    { categories: [{ id: '5', name: 'n', strength: 'phishing-resistant' }] },
    /Add passkey\(\)/,
  ],
  ['a misspelt strength', { categories: [{ id: '5', name: 'n', strength: 'phishing' }] }, /categories\[0\]\.strength/],
  ['a misspelt option', { attempt: { perWindow: 3 } }, /attempt is no option/],
  ['a misspelt option, deep', { limits: { idle: 900 } }, /limits: idle is no option/],
  ['bounds crossed', { bounds: { leastGraceSeconds: 900, mostGraceSeconds: 60 } }, /bounds/],
  ['a default out of bounds', { bounds: { mostGraceSeconds: 60 } }, /defaults\.graceSeconds is outside bounds/],
  ['plain http', { publicUrl: 'http://ehr.example.org' }, /publicUrl is not https/],
  ['plain http, looking local', { publicUrl: 'http://localhost.example.org' }, /publicUrl is not https/],
  [
    'plain http, an address that begins like a local one',
    { publicUrl: 'http://127.0.0.1.example.org' },
    /publicUrl is not https/,
  ],
  ['no URL', { publicUrl: 'ehr.example.org' }, /publicUrl/],
  ['another scheme', { publicUrl: 'javascript:alert(1)' }, /publicUrl/],
  ['a URL with a password', { publicUrl: `https://user:${PASSPHRASE}@ehr.example.org` }, /publicUrl/],
  ['no store', { store: undefined }, /store .*openStore/],
  ['no keys', { keys: undefined }, /keys/],
  ['a passphrase', { keys: { current: 'k1', all: { k1: PASSPHRASE } } }, /keys\.all\.k1 .*openssl rand/],
  [
    'a passphrase as bytes',
    { keys: { current: 'k1', all: { k1: Buffer.from(PASSPHRASE) } } },
    /keys\.all\.k1 .*passphrase/,
  ],
  [
    'a passphrase in base64',
    { keys: { current: 'k1', all: { k1: Buffer.from(PASSPHRASE).toString('base64') } } },
    /keys\.all\.k1 .*passphrase/,
  ],
  ['a short key', { keys: { current: 'k1', all: { k1: KEY.slice(0, 24) } } }, /keys\.all\.k1 .*32 are needed/],
  ['a long key', { keys: { current: 'k1', all: { k1: Buffer.from(KEY.repeat(2)) } } }, /keys\.all\.k1/],
  ['zeros', { keys: { current: 'k1', all: { k1: new Uint8Array(32) } } }, /keys\.all\.k1 .*not random/],
  ['a bad old key', { keys: { current: 'k1', all: { k1: KEY, k0: PASSPHRASE } } }, /keys\.all\.k0/],
  ['a current key that is not there', { keys: { current: 'k2', all: { k1: KEY } } }, /keys\.current/],
  [
    'several nodes, each with a memory of its own',
    { nodes: 'several' },
    /nodes is several and sessionState is not shared/,
  ],
  ['the same, said twice', { nodes: 'several', sessionState: memorySessionState() }, /sessionState is not shared/],
  ['a number of nodes', { nodes: 2 }, /nodes \(a number\)/],
  ['an administrator that is no function', { isAdministrator: true }, /isAdministrator \(a boolean\)/],
];

const hostOf = sharedHosts();

/** What registering a guard with this adapter throws. */
async function guardRefusal(adapter: AdapterName, host: Host, categories: unknown, options: object): Promise<unknown> {
  const given = [categories, options] as unknown as [readonly string[], GuardOptions<unknown, unknown>];
  const { countersign } = host;
  try {
    if (adapter === 'fastify') {
      const app = Fastify();
      await app.register(countersignFastify, { countersign, identify: () => null });
      app.get('/guarded/:patientId', { preHandler: requireStepUp(...given) as never }, async () => 'opened');
    } else {
      countersignExpress({ countersign, identify: () => null }).requireStepUp(...given);
    }
    return null;
  } catch (error) {
    return error;
  }
}

t.test('createCountersign refuses to start, names the option and the cure, and repeats no value', async (t) => {
  const store = await createRealStore();
  for (const [what, options, named] of wrong) {
    const refusal = await createCountersign({ ...sound(store), ...options } as CountersignOptions).then(
      async (started) => started.close().then(() => null),
      (error: Error) => error,
    );
    t.match(refusal, { code: 'configuration_invalid', message: named }, what);
    const shown = inspect(refusal, { depth: 10, showHidden: true });
    t.notOk(shown.includes(PASSPHRASE) || shown.includes(KEY), `${what}: no value is repeated`);
  }
  const both = createCountersign({ ...sound(store), nodes: 2, limits: { idle: 1 } } as unknown as CountersignOptions);
  await t.rejects(both, { message: /limits: idle.*nodes/ }, 'every option at fault, at once');
  t.strictSame(await store.auditStreams(), [], 'nothing was begun');

  const embedded = await openStore(await createPglite());
  await t.rejects(createCountersign({ ...sound(embedded), nodes: 'several' }), { message: /embedded database/ });
  await embedded.close();

  const started = await createCountersign(sound(store));
  for (const part of ['limits', 'attempts', 'defaults', 'actions'] as const) {
    t.throws(() => Object.assign(started.configuration[part], { length: 0, absoluteSeconds: 1 }), TypeError, part);
  }
  t.throws(() => Object.assign(started.configuration, { attempts: {} }), TypeError, 'it is frozen once it is valid');
  await started.close();
});

onEveryAdapter('a guard that is misspelt stops the start', async (t, adapter) => {
  const host = await hostOf(adapter);
  const resource = async () => null;
  for (const [categories, options, expected] of [
    [['55'], {}, { code: 'category_unknown', message: /"55".*use one of: 5, 8, 12/ }],
    [['5', ''], {}, { code: 'category_unknown' }],
    [[5], {}, { code: 'category_unknown' }],
    [[' 5'], {}, { code: 'category_unknown' }],
    [['*'], {}, { code: 'category_unknown' }],
    [[], {}, { code: 'configuration_invalid' }],
    ['5', {}, { code: 'configuration_invalid' }],
    [undefined, {}, { code: 'configuration_invalid' }],
    ['*', { resorce: resource }, { code: 'configuration_invalid', message: /resorce/ }],
    ['*', { resource, targets: resource }, { code: 'configuration_invalid', message: /targets/ }],
    ['*', { resource: {} }, { code: 'configuration_invalid', message: /resource/ }],
    ['*', { target: 'p1' }, { code: 'configuration_invalid', message: /target/ }],
    ['*', { patientId: 'p1' }, { code: 'configuration_invalid', message: /patientId/ }],
    ['*', { action: '' }, { code: 'configuration_invalid', message: /action/ }],
    ['*', { action: ['export'] }, { code: 'configuration_invalid', message: /action/ }],
    ['*', { content: 'body' }, { code: 'configuration_invalid', message: /content/ }],
  ] as const) {
    t.match(await guardRefusal(adapter, host, categories, options), expected, inspect([categories, options]));
  }
  t.equal(await guardRefusal(adapter, host, ['5'], { resource, action: 'view', target: undefined }), null);
});

onEveryAdapter(
  'an adapter with options that nobody reads, or without the ones it needs, does not start',
  async (t, adapter) => {
    const { countersign } = await hostOf(adapter);
    const start = async (options: object) => {
      if (adapter === 'fastify') await Fastify().register(countersignFastify, options as never);
      else countersignExpress(options as never);
    };
    const identify = () => null;
    for (const [options, named] of [
      [{ countersign }, /identify/],
      [{ identify }, /countersign/],
      [{ countersign, identify: 'session' }, /identify/],
      [{ countersign, identify, pagePath: '/mfa' }, /pagePath is no option/],
      [{ countersign, identify, pagesPath: 'mfa' }, /pagesPath/],
      [{ countersign, identify, pagesPath: '/mfa/' }, /pagesPath/],
      [{ countersign, identify, timeZone: 'Mars/Phobos' }, /timeZone/],
      [{ countersign, identify, frameAncestors: ["'self'; script-src *"] }, /frameAncestors/],
      [{ countersign, identify, onFault: 'log' }, /onFault/],
    ] as const) {
      await t.rejects(start(options), { code: 'configuration_invalid', message: named }, inspect(named));
    }
  },
);

t.test('a Fastify guard that stands where the plugin cannot see it refuses each request', async (t) => {
  const host = await hostOf('fastify');
  const { countersign } = host;
  const resource = async () => ({ workspaceId: 'clinic', patientId: 'p1', categories: ['5'], value: {} });
  const identify = (_request: FastifyRequest) => ({
    userId: 'carol',
    workspaceId: 'clinic',
    roles: [],
    displayName: 'Carol',
    signedInAt: new Date(host.clock.now()),
    sessionKey: 'a session',
  });
  const app = Fastify();
  app.get('/before', { preHandler: requireStepUp(['55'], { resource }) }, async () => 'opened');
  app.register(async (child) => {
    child.get('/apart', { preHandler: requireStepUp(['5'], { resource }) }, async () => 'opened');
  });
  await app.register(async (child) => {
    await child.register(countersignFastify, { countersign, identify });
    // A hook of a whole scope is no route's own: its misspelling shows at the first request.
    child.addHook('preHandler', requireStepUp(['55'], { resource }));
    child.get('/scope', async () => 'opened');
    child.get('/scope/enforced', async (request) => {
      await request.stepUp.enforce({ workspaceId: 'clinic', patientId: 'p1', categories: ['5'] });
      return 'opened';
    });
  });
  for (const [path, code] of [
    ['/before', 'guard_not_registered'],
    ['/apart', 'guard_not_registered'],
    ['/scope', 'category_unknown'],
    ['/scope/enforced', 'category_unknown'],
  ] as const) {
    const refused = await app.inject(path);
    t.equal(refused.statusCode, 500, path);
    t.match(refused.body, new RegExp(`"${code}"`), path);
    t.notMatch(refused.body, /opened/, path);
  }
  await app.close();

  // Not awaited, so that the routes behind it are there before it is.
  const hasty = Fastify();
  void hasty.register(countersignFastify, { countersign, identify });
  hasty.get('/hasty', { preHandler: requireStepUp(['55'], { resource }) }, async () => 'opened');
  hasty.get('/hasty/right', { preHandler: requireStepUp(['5'], { resource }) }, async () => 'opened');
  t.match((await hasty.inject('/hasty')).json(), { code: 'category_unknown' });
  t.equal((await hasty.inject('/hasty/right')).statusCode, 403, 'a right one is judged as ever');
  await hasty.close();
});

onEveryAdapter(
  'a host that does not say clearly who is signed in or whose record it is: refused, and the host is told',
  async (t, adapter) => {
    const { store, clock } = await hostOf(adapter);
    const clear = { userId: 'carol', workspaceId: 'clinic', roles: [], displayName: 'Carol', sessionKey: 's' };
    let identified: unknown = null;
    let loaded: unknown = null;
    const guarded = {
      resource: async () => loaded as never,
    };
    const host = await startHost(adapter, {
      store,
      clock,
      routes: {
        fastify(app) {
          app.register(async (child) => {
            const guard = requireStepUp('*', guarded);
            child.get('/unclear', { preHandler: guard }, async () => 'opened');
          });
        },
        express(app, made) {
          app.get('/unclear', made.requireStepUp('*', guarded), (_request, response) => void response.send('opened'));
        },
      },
      identify: () => identified as never,
    });
    const signedInAt = new Date(clock.now());
    for (const [principal, code, status] of [
      [{ ...clear }, 'principal_invalid', 500],
      [{ ...clear, signedInAt: new Date(Number.NaN) }, 'principal_invalid', 500],
      [{ ...clear, signedInAt: clock.now() }, 'principal_invalid', 500],
      [{ ...clear, signedInAt, userId: '' }, 'principal_invalid', 500],
      [{ ...clear, signedInAt, userId: 7 }, 'principal_invalid', 500],
      [{ ...clear, signedInAt, workspaceId: undefined }, 'principal_invalid', 500],
      [{ ...clear, signedInAt, sessionKey: undefined }, 'principal_invalid', 500],
      [{ ...clear, signedInAt, sessionKey: '' }, 'principal_invalid', 500],
      [{ ...clear, signedInAt, roles: 'clinician' }, 'principal_invalid', 500],
      [{}, 'principal_invalid', 500],
      ['carol', 'principal_invalid', 500],
      [undefined, 'sign_in_required', 401],
      [null, 'sign_in_required', 401],
    ] as const) {
      identified = principal;
      const refused = await host.client().get('/unclear');
      t.equal(refused.status, status, inspect(principal));
      t.match(refused.json(), { code }, inspect(principal));
    }
    t.ok(host.faults.length > 0);

    identified = { ...clear, signedInAt };
    const record = { workspaceId: 'clinic', patientId: 'p1', categories: ['5'], value: {} };
    for (const [what, status, code] of [
      [undefined, 404, undefined],
      [null, 404, undefined],
      [{ ...record, workspaceId: undefined }, 404, undefined],
      [{ ...record, categories: undefined }, 500, 'resource_invalid'],
      [{ ...record, categories: '5' }, 500, 'resource_invalid'],
      [{ ...record, categories: [5] }, 500, 'resource_invalid'],
      [{ ...record, categories: [null] }, 500, 'resource_invalid'],
      [{ ...record, categories: [['5']] }, 500, 'resource_invalid'],
      [{ ...record, categories: [{ id: '5' }] }, 500, 'resource_invalid'],
      [{ ...record, categories: ['5 '] }, 500, 'resource_invalid'],
      [{ ...record, patientId: undefined }, 400, 'patient_unresolved'],
      [{ ...record, patientId: 17 }, 400, 'patient_unresolved'],
      [{ ...record, patientId: '' }, 400, 'patient_unresolved'],
      [record, 403, 'factor_required'],
    ] as const) {
      loaded = what;
      const refused = await host.client().get('/unclear');
      t.equal(refused.status, status, inspect(what));
      if (code !== undefined) t.match(refused.json(), { code }, inspect(what));
    }
    await host.close();
  },
);
