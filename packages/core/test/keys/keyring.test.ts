import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { CompactEncrypt, compactDecrypt, EncryptJWT } from 'jose';
import t from 'tap';
import { CountersignError } from '../../src/errors/countersign-error.ts';
import { Keyring, type SecretOwner } from '../../src/keys/keyring.ts';

const K1 = randomBytes(32);
const K2 = randomBytes(32);
const one = new Keyring({ current: 'k1', all: { k1: K1 } });
const rotated = new Keyring({ current: 'k2', all: { k1: K1, k2: K2 } });
const owner: SecretOwner = { workspaceId: 'clinic', userId: 'ana', id: 'f1' };

/** The keys of RFC 5869, extracted and expanded as the keyring says it does. */
const derived = (key: Uint8Array, use: 'sealing' | 'authentication') =>
  new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), `countersign 1 ${use}`, 32));
const bytes = (text: string) => new TextEncoder().encode(text);

/** A token made outside the keyring: what an attacker with the database, or another version, could have put there. */
async function forged(header: Record<string, unknown>, key: Uint8Array = derived(K1, 'sealing')): Promise<string> {
  const protectedHeader = {
    alg: 'dir',
    enc: 'A256GCM',
    kid: 'k1',
    own: JSON.stringify(['clinic', 'ana', 'f1']),
    ...header,
  };
  return await new CompactEncrypt(bytes('planted')).setProtectedHeader(protectedHeader).encrypt(key);
}

t.test('what is sealed opens for its owner, whatever the text', async (t) => {
  const property = fc.asyncProperty(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.string(),
    fc.string(),
    async (text, userId, id) => {
      const whose = { workspaceId: 'clinic', userId, id };
      return (await one.open(await one.seal(text, whose), whose)) === text;
    },
  );
  await t.resolves(fc.assert(property, { numRuns: 100 }));
});

t.test(
  'oracle: jose alone opens it with the key derived by RFC 5869, and the owner stands in the protected header',
  async (t) => {
    const sealed = await one.seal('secret text', owner);
    const { plaintext, protectedHeader } = await compactDecrypt(sealed, derived(K1, 'sealing'));
    t.equal(new TextDecoder().decode(plaintext), 'secret text');
    t.strictSame(protectedHeader, { alg: 'dir', enc: 'A256GCM', kid: 'k1', own: '["clinic","ana","f1"]' });
    await t.rejects(compactDecrypt(sealed, K1), 'the key from the secret manager itself is used for nothing');
    await t.rejects(compactDecrypt(sealed, derived(K1, 'authentication')), 'nor is the key for MACs used for sealing');
    t.not(await one.seal('secret text', owner), sealed, 'a new nonce each time');
    t.notMatch(sealed, /secret text/);
    t.equal(await one.open(await forged({}), owner), 'planted', 'the oracle works the other way too');
  },
);

t.test("a sealed secret is copied to another user's row, workspace or factor", async (t) => {
  const sealed = await one.seal('secret', owner);
  for (const other of [
    { userId: 'ben' },
    { workspaceId: 'other' },
    { id: 'f2' },
    { workspaceId: 'clinic","ana', userId: '' },
  ]) {
    await t.rejects(one.open(sealed, { ...owner, ...other }), { code: 'factor_unknown' }, JSON.stringify(other));
  }
  const shifted = await one.seal('secret', { workspaceId: 'ab', userId: 'c', id: 'f1' });
  await t.rejects(
    one.open(shifted, { workspaceId: 'a', userId: 'bc', id: 'f1' }),
    { code: 'factor_unknown' },
    'ab+c is not a+bc',
  );
});

t.test('a token is altered, in each of its parts', async (t) => {
  const sealed = await one.seal('a secret of some length', owner);
  const parts = sealed.split('.');
  const flip = (part: string, at: number) => {
    const raw = Buffer.from(part, 'base64url');
    raw.writeUInt8(raw.readUInt8(at) ^ 1, at);
    return raw.toString('base64url');
  };
  for (const [index, part] of parts.entries()) {
    const length = Buffer.from(part, 'base64url').length;
    for (const at of new Set(length === 0 ? [] : [0, length >> 1, length - 1])) {
      const altered = parts.with(index, flip(part, at)).join('.');
      await t.rejects(one.open(altered, owner), { code: /^(?:factor|key)_unknown$/ }, `part ${index}, byte ${at}`);
    }
    await t.rejects(
      one.open(parts.with(index, `${part}AAAA`).join('.'), owner),
      { name: 'CountersignError' },
      `part ${index} longer`,
    );
    if (part !== '')
      await t.rejects(
        one.open(parts.with(index, '').join('.'), owner),
        { code: 'factor_unknown' },
        `part ${index} empty`,
      );
  }
  const other = (await one.seal('another secret', owner)).split('.');
  for (const index of [2, 3, 4]) {
    await t.rejects(
      one.open(parts.with(index, other[index] ?? '').join('.'), owner),
      { code: 'factor_unknown' },
      `part ${index} of another token`,
    );
  }
  const spaced = Buffer.from(
    JSON.stringify({ ...JSON.parse(Buffer.from(parts[0] ?? '', 'base64url').toString()) }, null, 1),
  ).toString('base64url');
  await t.rejects(
    one.open(parts.with(0, spaced).join('.'), owner),
    { code: 'factor_unknown' },
    'the same header written otherwise',
  );
});

t.test('what is no token opens nothing, and the error says nothing', async (t) => {
  for (const text of [
    '',
    '.',
    '....',
    'a.b.c',
    'x'.repeat(100_000),
    'null',
    '{}',
    'eyJhbGciOiJub25lIn0..',
    'eyJhbGciOiJkaXIifQ....',
  ]) {
    await t.rejects(one.open(text, owner), { code: 'factor_unknown' }, text.slice(0, 20));
  }
  for (const nonText of [null, undefined, 5, {}, []]) {
    await t.rejects(one.open(nonText as never, owner), { code: 'factor_unknown' }, String(nonText));
  }
  const error = await one.open('a.b.c.d.e', owner).catch((error: unknown) => error);
  t.ok(
    CountersignError.is(error) && error.cause === undefined && !error.message.includes('a.b.c'),
    'no cause, no content',
  );
});

t.test('algorithm confusion: made with another algorithm, with none, or without a key id', async (t) => {
  const secret = randomBytes(32);
  const wrapped = await new CompactEncrypt(bytes('planted'))
    .setProtectedHeader({ alg: 'A256KW', enc: 'A256GCM', kid: 'k1', own: JSON.stringify(['clinic', 'ana', 'f1']) })
    .encrypt(derived(K1, 'sealing'));
  await t.rejects(one.open(wrapped, owner), { code: 'factor_unknown' }, 'A256KW under our own key');
  const cbc = await forged({ enc: 'A128CBC-HS256' });
  await t.rejects(one.open(cbc, owner), { code: 'factor_unknown' }, 'A128CBC-HS256 under our own key');
  const password = await new CompactEncrypt(bytes('planted'))
    .setProtectedHeader({
      alg: 'PBES2-HS256+A128KW',
      enc: 'A256GCM',
      p2c: 1000,
      kid: 'k1',
      own: JSON.stringify(['clinic', 'ana', 'f1']),
    } as never)
    .encrypt(bytes('password'))
    .catch(() => null);
  if (password !== null) await t.rejects(one.open(password, owner), { code: 'factor_unknown' }, 'PBES2');
  await t.rejects(
    one.open(await forged({}, secret), owner),
    { code: 'factor_unknown' },
    'under a key that is not ours',
  );
  await t.rejects(
    one.open(await forged({}, derived(K1, 'authentication')), owner),
    { code: 'factor_unknown' },
    'under our other key',
  );
  await t.rejects(one.open(await forged({ kid: undefined }), owner), { code: 'factor_unknown' }, 'no kid');
  await t.rejects(one.open(await forged({ kid: ['k1'] }), owner), { code: 'factor_unknown' }, 'a kid that is no text');
  await t.rejects(one.open(await forged({ own: undefined }), owner), { code: 'factor_unknown' }, 'no owner');
  await t.rejects(
    one.open(await forged({ own: ['clinic', 'ana', 'f1'] }), owner),
    { code: 'factor_unknown' },
    'an owner that is no text',
  );
  for (const kid of ['k9', '', '__proto__', 'constructor', 'K1']) {
    await t.rejects(
      one.open(await forged({ kid }), owner),
      { code: 'key_unknown', details: { cure: String } },
      `kid ${kid}`,
    );
  }
  const none = [
    Buffer.from(
      JSON.stringify({ alg: 'none', enc: 'A256GCM', kid: 'k1', own: JSON.stringify(['clinic', 'ana', 'f1']) }),
    ).toString('base64url'),
    '',
    '',
    Buffer.from('planted').toString('base64url'),
    '',
  ].join('.');
  await t.rejects(one.open(none, owner), { code: 'factor_unknown' }, 'none');
  const jwt = await new EncryptJWT({})
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: 'k1' })
    .encrypt(derived(K1, 'sealing'));
  await t.rejects(one.open(jwt, owner), { code: 'factor_unknown' }, 'a token of ours for something else');
});

t.test('rotation: what the old key sealed still opens, what is new is under the new key', async (t) => {
  const old = await one.seal('secret', owner);
  t.equal(await rotated.open(old, owner), 'secret');
  const renewed = await rotated.seal('secret', owner);
  t.equal((await compactDecrypt(renewed, derived(K2, 'sealing'))).protectedHeader.kid, 'k2');
  await t.rejects(
    one.open(renewed, owner),
    { code: 'key_unknown' },
    'a node that has not heard of the new key says so',
  );
  const swapped = new Keyring({ current: 'k1', all: { k1: K2, k2: K1 } });
  await t.rejects(swapped.open(old, owner), { code: 'factor_unknown' }, 'another key under the same id');

  const tag = one.mac('settings', ['a']);
  t.ok(rotated.verifyMac(tag, 'settings', ['a']));
  t.ok(rotated.mac('settings', ['a']).startsWith('k2.'));
  t.notOk(one.verifyMac(rotated.mac('settings', ['a']), 'settings', ['a']), 'an unknown key id is no tag');
});

t.test('a MAC: HMAC-SHA-256 under its own derived key, over purpose and values', async (t) => {
  const expected = createHmac('sha256', derived(K1, 'authentication'))
    .update('["factor","ab","c",5,null]')
    .digest('base64url');
  t.equal(one.mac('factor', ['ab', 'c', 5, null]), `k1.${expected}`);
  t.ok(one.verifyMac(`k1.${expected}`, 'factor', ['ab', 'c', 5, null]));
  for (const [purpose, values] of [
    ['settings', ['ab', 'c', 5, null]],
    ['factor', ['a', 'bc', 5, null]],
    ['factor', ['ab', 'c', '5', null]],
    ['factor', ['ab', 'c', 5, 'null']],
    ['factor', ['ab', 'c', 5, '']],
    ['factor', ['ab', 'c', 5]],
    ['factor', ['ab', 'c', 5, null, null]],
    ['factor', ['c', 'ab', 5, null]],
    ['ab', ['factor', 'c', 5, null]],
  ] as const) {
    t.notOk(one.verifyMac(`k1.${expected}`, purpose, values), `${purpose} ${JSON.stringify(values)}`);
  }
});

t.test('a tag that is altered, cut, padded or somebody else’s', async (t) => {
  const tag = one.mac('factor', ['x']);
  const raw = Buffer.from(tag.slice(3), 'base64url');
  for (const at of [0, 15, 31]) {
    const altered = Buffer.from(raw);
    altered.writeUInt8(altered.readUInt8(at) ^ 128, at);
    t.notOk(one.verifyMac(`k1.${altered.toString('base64url')}`, 'factor', ['x']), `byte ${at}`);
  }
  for (const bad of [
    '',
    '.',
    'k1',
    'k1.',
    `.${tag}`,
    tag.slice(0, -2),
    `${tag}AA`,
    tag.replace('k1', 'k9'),
    tag.replace('k1', '__proto__'),
    `k1${tag.slice(3)}`,
    `${tag}.`,
    'k1.null',
  ]) {
    t.notOk(one.verifyMac(bad, 'factor', ['x']), bad);
  }
  const dotted = new Keyring({ current: '2026.03', all: { '2026.03': K1 } });
  t.ok(dotted.verifyMac(dotted.mac('factor', ['x']), 'factor', ['x']), 'a key id may have dots');
});

t.test('property: tags separate what they are made for', async (t) => {
  const value = fc.oneof(fc.string(), fc.integer(), fc.constant(null));
  const made = fc.record({ purpose: fc.constantFrom('a', 'b'), values: fc.array(value, { maxLength: 3 }) });
  const property = fc.property(made, made, (here, there) => {
    const same = JSON.stringify(here) === JSON.stringify(there);
    return one.verifyMac(one.mac(here.purpose, here.values), there.purpose, there.values) === same;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }));
});

t.test('a key is read as base64, base64url, hex or bytes: 32 of them', async (t) => {
  const sealed = await one.seal('secret', owner);
  for (const [form, key] of [
    ['base64', K1.toString('base64')],
    ['base64 without padding', K1.toString('base64').replace(/=+$/, '')],
    ['base64url', K1.toString('base64url')],
    ['hex', K1.toString('hex')],
    ['HEX', K1.toString('hex').toUpperCase()],
    ['bytes', new Uint8Array(K1)],
    ['with a line end, as from a file', `${K1.toString('base64')}\n`],
  ] as const) {
    t.equal(await new Keyring({ current: 'k1', all: { k1: key } }).open(sealed, owner), 'secret', form);
  }
});

t.test(
  'Threat 20: a passphrase, a key of the wrong length or a made-up one fails start-up, and is not repeated',
  async (t) => {
    const bad: readonly (readonly [string, string | Uint8Array])[] = [
      ['a passphrase', 'correct horse battery staple'],
      ['a passphrase of the length of a key', 'thisisaverylongpassphrasewithoutanycapitals'],
      ['the same in capitals', 'THISISAVERYLONGPASSPHRASEOFCAPITALSONLYABCD'],
      ['a passphrase as bytes', bytes('a passphrase of thirty-two chars')],
      ['a passphrase as base64', Buffer.from('a passphrase of thirty-two chars').toString('base64')],
      ['a passphrase as hex', Buffer.from('a passphrase of thirty-two chars').toString('hex')],
      ['hex digits taken for bytes', bytes(K1.toString('hex').slice(0, 32))],
      ['empty', ''],
      ['blank', '   '],
      ['too short', randomBytes(16).toString('base64')],
      ['one byte short', randomBytes(31)],
      ['one byte long', randomBytes(33)],
      ['too long', randomBytes(64).toString('hex')],
      ['zeros', Buffer.alloc(32)],
      ['a repeated pattern', Buffer.from('deadbeef'.repeat(8), 'hex')],
      ['counting up to eleven', Buffer.from(Array.from({ length: 32 }, (_, index) => index % 11))],
      ['no text at all', 'über-geheim'],
    ];
    for (const [what, key] of bad) {
      const shown = typeof key === 'string' ? key.trim() : Buffer.from(key).toString('base64');
      try {
        new Keyring({ current: 'k1', all: { k1: key } });
        t.fail(what);
      } catch (error) {
        t.match(
          error,
          { code: 'configuration_invalid', details: { field: 'keys.all.k1', cure: /openssl rand -base64 32/ } },
          what,
        );
        t.ok(shown === '' || !String(error).includes(shown), `${what}: the key is not in the message`);
      }
    }
    t.throws(() => new Keyring({ current: 'k2', all: { k1: K1 } }), {
      code: 'configuration_invalid',
      details: { field: 'keys.current', cure: /k1/ },
    });
    t.throws(() => new Keyring({ current: 'k1', all: {} }), {
      code: 'configuration_invalid',
      details: { field: 'keys.current' },
    });
    t.throws(
      () => new Keyring({ current: 'k1', all: { k1: K1, k0: 'old' } }),
      { code: 'configuration_invalid', details: { field: 'keys.all.k0' } },
      'an old key is checked as well',
    );
    t.throws(() => new Keyring({ current: 'constructor', all: { k1: K1 } }), {
      code: 'configuration_invalid',
      details: { field: 'keys.current' },
    });
  },
);

t.test('random keys are never taken for made-up ones', async (t) => {
  for (let round = 0; round < 2000; round++) {
    const key = randomBytes(32);
    const form = [key, key.toString('base64'), key.toString('hex'), key.toString('base64url')][round % 4] ?? key;
    if (!(new Keyring({ current: 'k', all: { k: form } }) instanceof Keyring)) t.fail();
  }
  t.pass('2,000 of them');
});
