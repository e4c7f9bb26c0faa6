import fc from 'fast-check';
import t from 'tap';
import type { FactorCheck, FactorContext } from '../../src/factors/factor.ts';
import {
  type PasskeyInvitation,
  type PasskeyOptions,
  type PasskeyRequest,
  passkey,
} from '../../src/factors/passkey.ts';
import { factorContextOf } from '../support/factor-context.ts';
import { type Cbor, type CredentialJson, SoftwareAuthenticator } from './software-authenticator.ts';

const SITE = { rpId: 'ehr.example.org', origin: 'https://ehr.example.org' };
const factor = passkey();
const context = factorContextOf();
const ben = factorContextOf({ user: { workspaceId: 'clinic', userId: 'ben', displayName: 'Dr Ben' } });

async function invited(about: FactorContext = context, held: readonly string[] = [], by = factor) {
  const made = await by.invite?.(about, held);
  if (made === undefined) throw new Error('a passkey can be enrolled');
  return { secret: made.secret, options: (made.invitation as PasskeyInvitation).options };
}

/** An enrolled passkey: the device, and what is kept of it. */
async function enrolled(device = new SoftwareAuthenticator(), about: FactorContext = context, by = factor) {
  const { secret, options } = await invited(about, [], by);
  const response = device.create(options, { ...SITE, challenge: options.challenge });
  const confirmed = await by.confirm?.({ response }, secret, about);
  if (confirmed?.result !== 'correct' || confirmed.secret === undefined) throw new Error(JSON.stringify(confirmed));
  return { device, secret: confirmed.secret, counter: confirmed.counter, label: confirmed.label };
}

async function begun(held: readonly string[], about: FactorContext = context) {
  const made = await factor.begin?.({ ...about, demanded: 'any', callbackUrl: new URL('https://x.example') }, held);
  if (made === undefined) throw new Error('a passkey is begun');
  return { ...made, options: (made.invitation as PasskeyRequest).options };
}

type Changes = Partial<Parameters<SoftwareAuthenticator['get']>[0]>;
async function answered(
  held: { readonly device: SoftwareAuthenticator; readonly secret: string; readonly counter?: number },
  changes: Changes = {},
  alter: (response: CredentialJson) => unknown = (response) => response,
  about = context,
): Promise<FactorCheck> {
  const { options, state } = await begun([held.secret]);
  const response = alter(held.device.get({ ...SITE, challenge: options.challenge, ...changes }));
  return await factor.check({ response }, { secret: held.secret, counter: held.counter ?? 0, state }, about);
}

t.test('an enrolment: what the browser is told, and what is kept of the answer', async (t) => {
  const { secret, options } = await invited();
  t.match(options, {
    rp: { id: 'ehr.example.org', name: 'ehr.example.org' },
    user: { name: 'Dr Ana', displayName: 'Dr Ana' },
    attestation: 'none',
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
    timeout: 300_000,
    excludeCredentials: [],
  });
  t.strictSame(
    options.pubKeyCredParams.map(({ alg }) => alg),
    [-7, -8, -257],
  );
  t.equal(Buffer.from(options.challenge, 'base64url').length, 32);
  t.strictSame(factor.invitation?.(context, secret), { options }, 'shown again the same');
  const handle = Buffer.from(options.user.id, 'base64url');
  t.equal(handle.length, 32, 'at most 64 bytes (WebAuthn L3 §5.4.3)');
  t.notMatch(handle.toString('latin1'), /ana|clinic/);
  t.equal((await invited()).options.user.id, options.user.id, 'the same for every passkey of a user');
  t.not((await invited(ben)).options.user.id, options.user.id);
  const elsewhere = factorContextOf({ user: { ...context.user, workspaceId: 'other' } });
  t.not((await invited(elsewhere)).options.user.id, options.user.id);
  t.not((await invited()).options.challenge, options.challenge);

  const synced = await enrolled();
  t.match(JSON.parse(synced.secret), {
    id: Buffer.from(synced.device.id).toString('base64url'),
    transports: ['internal', 'hybrid'],
    deviceType: 'multiDevice',
    backedUp: true,
    aaguid: '00000000-0000-0000-0000-000000000000',
  });
  t.equal(synced.label, 'Synced passkey');
  t.equal(synced.counter, 0);
  const key = await enrolled(new SoftwareAuthenticator({ synced: false, counts: true }));
  t.equal(key.label, 'Passkey on one device');
  t.equal(key.counter, 1);

  const again = await invited(context, [synced.secret, key.secret]);
  t.strictSame(
    again.options.excludeCredentials?.map(({ id }) => id),
    [synced, key].map(({ device }) => Buffer.from(device.id).toString('base64url')),
  );
  const response = synced.device.create(again.options, { ...SITE, challenge: again.options.challenge });
  t.strictSame(
    await factor.confirm?.({ response }, again.secret, context),
    { result: 'incorrect', reason: 'enrolled-before' },
    'a device that does not mind',
  );
  t.match(factor, { id: 'passkey', strength: 'phishing-resistant', several: true, answeredBy: 'ceremony' });
  t.ok(Object.isFrozen(factor));
});

t.test('an answer: as an object or as text, and with the credential it is meant for', async (t) => {
  const held = await enrolled();
  const other = await enrolled();
  const { options, ceremony, state } = await begun([held.secret, other.secret]);
  t.match(options, { rpId: 'ehr.example.org', userVerification: 'required', timeout: 300_000 });
  t.equal(options.allowCredentials?.length, 2);
  t.equal(ceremony, options.challenge);
  const response = held.device.get({ ...SITE, challenge: options.challenge });
  for (const answer of [{ response }, { response: JSON.stringify(response) }]) {
    t.ok(factor.isWellFormed(answer));
    t.equal(factor.ceremonyOf?.(answer), ceremony);
    t.equal(factor.selects?.(answer, held.secret), true);
    t.equal(factor.selects?.(answer, other.secret), false);
    t.strictSame(await factor.check(answer, { secret: held.secret, counter: 0, state }, context), {
      result: 'correct',
      counter: 0,
    });
  }
  held.device.userHandle = null;
  t.equal((await answered(held)).result, 'correct', 'a device that keeps no user id sends none');
});

t.test('a frame of another site that is named is let in, and no other', async (t) => {
  const framed = passkey({ frameOrigins: ['https://portal.example.org'] });
  const held = await enrolled();
  const { options, state } = await begun([held.secret]);
  const check = async (changes: Changes) => {
    const response = held.device.get({ ...SITE, challenge: options.challenge, ...changes });
    return await framed.check({ response }, { secret: held.secret, counter: 0, state }, context);
  };
  t.match(await check({ crossOrigin: true, topOrigin: 'https://portal.example.org' }), { result: 'correct' });
  for (const changes of [{ crossOrigin: true }, { crossOrigin: true, topOrigin: 'https://evil.example' }])
    t.strictSame(await check(changes), { result: 'incorrect', reason: 'cross-origin' });
  for (const frameOrigins of [['http://portal.example.org'], ['https://portal.example.org/x'], ['portal']])
    t.match(passkey({ frameOrigins }).problemAt?.(new URL(SITE.origin)), /frameOrigins/);
});

t.test('Threat 5: each thing that is not as it must be is refused, and the reason says which', async (t) => {
  const held = await enrolled();
  for (const [changes, reason] of [
    [{ origin: 'https://ehr.example.org.evil.example' }, 'wrong-origin'],
    [{ origin: 'http://ehr.example.org' }, 'wrong-origin'],
    [{ origin: 'https://ehr.example.org:8443' }, 'wrong-origin'],
    [{ origin: 'https://sub.ehr.example.org' }, 'wrong-origin'],
    [{ rpId: 'example.org' }, 'wrong-rp'],
    [{ rpId: 'evil.example' }, 'wrong-rp'],
    [{ crossOrigin: true }, 'cross-origin'],
    [{ crossOrigin: true, topOrigin: 'https://evil.example' }, 'cross-origin'],
    [{ topOrigin: 'https://evil.example' }, 'cross-origin'],
    [{ crossOrigin: true, topOrigin: SITE.origin }, 'cross-origin'],
    [{ verified: false }, 'user-not-verified'],
    [{ present: false }, 'user-not-present'],
    [{ forged: true }, 'bad-signature'],
    [{ challenge: Buffer.alloc(32, 7).toString('base64url') }, 'wrong-challenge'],
    [{ type: 'webauthn.create' }, 'wrong-type'],
    [{ type: 'payment.get' }, 'wrong-type'],
  ] as const) {
    t.strictSame(
      await answered(held, changes),
      { result: 'incorrect', reason },
      `${reason} ${JSON.stringify(changes)}`,
    );
  }
  t.strictSame(
    await answered(held, {}, (response) => response, ben),
    { result: 'incorrect', reason: 'wrong-user' },
    'the user id on the device is another user’s',
  );
  const answer = { response: held.device.get({ ...SITE, challenge: 'x'.repeat(43) }) };
  t.strictSame(
    await factor.check(answer, { secret: held.secret, counter: 0, state: null }, context),
    { result: 'incorrect', reason: 'unknown-ceremony' },
    'begun by nobody, or answered before',
  );
  const other = await enrolled();
  t.strictSame(await factor.check(answer, { secret: other.secret, counter: 0, state: 'x'.repeat(43) }, context), {
    result: 'incorrect',
    reason: 'unknown-credential',
  });
  const tampered = await answered(held, {}, (response) => {
    const data = Buffer.from(String(response.response.authenticatorData), 'base64url');
    data.writeUInt32BE(99, 33);
    return { ...response, response: { ...response.response, authenticatorData: data.toString('base64url') } };
  });
  t.strictSame(tampered, { result: 'incorrect', reason: 'bad-signature' }, 'the counter is signed too');
  const swapped = await enrolled(new SoftwareAuthenticator({ synced: false }));
  const asSynced = JSON.stringify({ ...JSON.parse(swapped.secret), deviceType: 'multiDevice' });
  t.strictSame(await answered({ ...swapped, secret: asSynced }), {
    result: 'incorrect',
    reason: 'backup-eligibility-changed',
  });
});

t.test('the counter: greater where there is one, and 0 for ever where there is none', async (t) => {
  const held = await enrolled(new SoftwareAuthenticator({ synced: false, counts: true }));
  for (const [had, sent, expected] of [
    [0, 0, { result: 'correct', counter: 0 }],
    [0, 1, { result: 'correct', counter: 1 }],
    [5, 6, { result: 'correct', counter: 6 }],
    [5, 4_294_967_295, { result: 'correct', counter: 4_294_967_295 }],
    [5, 5, { result: 'incorrect', reason: 'counter-regressed' }],
    [5, 4, { result: 'incorrect', reason: 'counter-regressed' }],
    [5, 0, { result: 'incorrect', reason: 'counter-regressed' }],
  ] as const) {
    t.strictSame(await answered({ ...held, counter: had }, { counter: sent }), expected, `${sent} after ${had}`);
  }
  t.strictSame(
    await answered({ ...held, counter: 5 }, { counter: 4, forged: true }),
    { result: 'incorrect', reason: 'bad-signature' },
    'a forged answer says nothing of copies',
  );
});

t.test('an enrolment is held to the same: site, person, frame, and no certificates', async (t) => {
  const confirm = async (changes: Changes, device = new SoftwareAuthenticator()) => {
    const { secret, options } = await invited();
    const response = device.create(options, { ...SITE, challenge: options.challenge, ...changes });
    return await factor.confirm?.({ response }, secret, context);
  };
  for (const [changes, reason] of [
    [{ origin: 'https://evil.example' }, 'wrong-origin'],
    [{ rpId: 'evil.example' }, 'wrong-rp'],
    [{ crossOrigin: true }, 'cross-origin'],
    [{ topOrigin: 'https://evil.example' }, 'cross-origin'],
    [{ verified: false }, 'user-not-verified'],
    [{ present: false }, 'user-not-present'],
    [{ challenge: 'x'.repeat(43) }, 'wrong-challenge'],
    [{ type: 'webauthn.get' }, 'wrong-type'],
  ] as const) {
    t.strictSame(await confirm(changes), { result: 'incorrect', reason }, `${reason} ${JSON.stringify(changes)}`);
  }
  for (const [format, statement] of [
    ['packed', [['x5c', [Buffer.from('certificate')]]]],
    ['tpm', []],
    ['android-safetynet', []],
    ['apple', []],
    ['unheard-of', []],
  ] as const) {
    const device = new SoftwareAuthenticator({ attestation: { format, statement: new Map<string, Cbor>(statement) } });
    t.strictSame(await confirm({}, device), { result: 'incorrect', reason: 'attestation-unwanted' }, format);
  }
  t.match(await confirm({}), { result: 'correct' });
});

t.test('Threat 5: an answer to the one ceremony is none to the other', async (t) => {
  const held = await enrolled();
  const { secret, options } = await invited();
  const created = new SoftwareAuthenticator().create(options, { ...SITE, challenge: options.challenge });
  t.equal(factor.isWellFormed({ response: created }), false);
  t.strictSame(
    await factor.check({ response: created }, { secret: held.secret, counter: 0, state: options.challenge }, context),
    { result: 'incorrect', reason: 'malformed' },
  );
  const request = await begun([held.secret]);
  const got = held.device.get({ ...SITE, challenge: request.options.challenge });
  t.strictSame(await factor.confirm?.({ response: got }, secret, context), {
    result: 'incorrect',
    reason: 'malformed',
  });
  const both = {
    ...held.device.get({ ...SITE, challenge: options.challenge }),
    response: { ...created.response, ...got.response, clientDataJSON: created.response.clientDataJSON },
  };
  t.match(
    await factor.check({ response: both }, { secret: held.secret, counter: 0, state: options.challenge }, context),
    { result: 'incorrect', reason: 'wrong-type' },
    'both in one, with the enrolment’s client data',
  );
});

t.test('Threat 19: what is no answer is told apart, and nothing throws', async (t) => {
  const held = await enrolled();
  const { options, state } = await begun([held.secret]);
  const good = held.device.get({ ...SITE, challenge: options.challenge });
  const withResponse = (changes: object) => ({ ...good, response: { ...good.response, ...changes } });
  const text = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const hostile: readonly unknown[] = [
    undefined,
    null,
    '',
    'x',
    '[]',
    'null',
    '{"id":',
    JSON.stringify({ ...good, padding: 'x'.repeat(20_000) }),
    [],
    [good],
    42,
    {},
    { ...good, id: undefined },
    { ...good, id: 'a+b/' },
    { ...good, id: 'a'.repeat(2000) },
    { ...good, rawId: 'other' },
    { ...good, type: 'password' },
    { ...good, response: null },
    { ...good, response: [] },
    withResponse({ clientDataJSON: '' }),
    withResponse({ clientDataJSON: {} }),
    withResponse({ clientDataJSON: 'eA' }),
    withResponse({ clientDataJSON: text(null) }),
    withResponse({ clientDataJSON: text([]) }),
    withResponse({ clientDataJSON: text({ type: 'webauthn.get' }) }),
    withResponse({ clientDataJSON: text({ type: 'webauthn.get', challenge: 5, origin: SITE.origin }) }),
    withResponse({ clientDataJSON: text({ type: 'webauthn.get', challenge: 'a\u0000b', origin: SITE.origin }) }),
    withResponse({
      clientDataJSON: text({ type: 'webauthn.get', challenge: state, origin: SITE.origin, crossOrigin: 'no' }),
    }),
    withResponse({ authenticatorData: '' }),
    withResponse({ authenticatorData: 'AAAA' }),
    withResponse({ authenticatorData: `${good.response.authenticatorData}AAAA` }),
    withResponse({ signature: 'AAAA' }),
    withResponse({ signature: 'A'.repeat(5000) }),
    withResponse({ userHandle: 7 }),
    withResponse({ userHandle: 'A'.repeat(500) }),
    { __proto__: good },
  ];
  for (const response of hostile) {
    const shown = (JSON.stringify(response) ?? 'undefined').slice(0, 60);
    const found = await factor.check({ response }, { secret: held.secret, counter: 0, state }, context);
    t.equal(found.result, response === hostile.at(-1) ? found.result : 'incorrect', shown);
    t.doesNotThrow(() => factor.ceremonyOf?.({ response }), shown);
    t.doesNotThrow(() => factor.isWellFormed({ response }), shown);
    t.doesNotThrow(() => factor.selects?.({ response }, held.secret), shown);
    const { secret } = await invited();
    t.match(await factor.confirm?.({ response }, secret, context), { result: 'incorrect' }, shown);
  }
  const anything = fc.anything({ withBigInt: true, withNullPrototype: true });
  await t.resolves(
    fc.assert(
      fc.asyncProperty(anything, anything, async (value, inner) => {
        for (const response of [
          value,
          { ...good, response: value },
          withResponse({ clientDataJSON: value, signature: inner }),
        ]) {
          if (factor.ceremonyOf?.({ response }) === undefined) return false;
          const found = await factor.check({ response }, { secret: held.secret, counter: 0, state }, context);
          if (found.result !== 'incorrect') return false;
        }
        return true;
      }),
      { numRuns: 300 },
    ),
  );
});

t.test('property: of the switches an answer has, it is accepted only with every one as it must be', async (t) => {
  const held = await enrolled();
  const switches = fc.record({
    verified: fc.boolean(),
    present: fc.boolean(),
    crossOrigin: fc.boolean(),
    forged: fc.boolean(),
    origin: fc.constantFrom(SITE.origin, 'https://evil.example'),
    rpId: fc.constantFrom(SITE.rpId, 'evil.example'),
    type: fc.constantFrom('webauthn.get', 'webauthn.create'),
  });
  let accepted = 0;
  await t.resolves(
    fc.assert(
      fc.asyncProperty(fc.oneof(switches, fc.constant(null)), async (changes) => {
        const right =
          changes === null ||
          (changes.verified &&
            changes.present &&
            !changes.crossOrigin &&
            !changes.forged &&
            changes.origin === SITE.origin &&
            changes.rpId === SITE.rpId &&
            changes.type === 'webauthn.get');
        if (right) accepted += 1;
        return ((await answered(held, changes ?? {})).result === 'correct') === right;
      }),
      { numRuns: 300 },
    ),
  );
  t.ok(accepted > 0);
});

t.test('options that make no sense are refused, with the cure and without the value', async (t) => {
  for (const [options, field] of [
    [{ rpName: ' ' }, 'rpName'],
    [{ rpId: 'https://ehr.example.org' }, 'rpId'],
    [{ rpId: 'EHR.example.org' }, 'rpId'],
    [{ rpId: '' }, 'rpId'],
    [{ origins: [] }, 'origins'],
    [{ origins: 'https://ehr.example.org' }, 'origins'],
    [{ allowCrossOrigin: true }, 'allowCrossOrigin'],
    [{ frameOrigins: 'https://portal.example.org' }, 'frameOrigins'],
    [{ attestation: 'direct' }, 'attestation'],
    [{ timeoutSeconds: '60' }, 'timeoutSeconds'],
    [{ timeoutSeconds: 29 }, 'timeoutSeconds'],
    [{ timeoutSeconds: 301 }, 'timeoutSeconds'],
    [{ rpid: 'example.org' }, 'rpid'],
    [null, ''],
  ] as const) {
    t.throws(
      () => passkey(options as never),
      { code: 'configuration_invalid', details: { field: `passkey.${field}`, cure: String } },
      JSON.stringify(options),
    );
  }
});

t.test('options and public address are judged together (WebAuthn L3 §4, RP ID)', async (t) => {
  const problem = (url: string, options: PasskeyOptions = {}) => passkey(options).problemAt?.(new URL(url)) ?? null;
  t.equal(problem('https://ehr.example.org/clinic'), null);
  t.equal(problem('http://localhost:3000'), null);
  t.equal(problem('https://ehr.example.org', { rpId: 'example.org' }), null);
  t.equal(
    problem('https://ehr.example.org', {
      rpId: 'example.org',
      origins: ['https://ehr.example.org', 'https://portal.example.org'],
    }),
    null,
  );
  for (const [url, options, expected] of [
    ['http://127.0.0.1:3000', {}, /IP address/],
    ['http://[::1]:3000', {}, /IP address/],
    ['https://192.0.2.7', {}, /IP address/],
    ['https://ehr.example.org', { rpId: 'org' }, /top-level/],
    ['https://ehr.example.org', { rpId: 'hr.example.org' }, /rpId is neither/],
    ['https://ehr.example.org', { rpId: 'portal.example.org' }, /rpId is neither/],
    ['https://ehr.example.org', { rpId: 'sub.ehr.example.org' }, /rpId is neither/],
    ['https://ehr.example.org', { origins: ['https://portal.example.org'] }, /leaves out/],
    ['https://ehr.example.org', { origins: ['https://ehr.example.org', 'https://example.org/x'] }, /no origin/],
    ['https://ehr.example.org', { origins: ['https://ehr.example.org', 'nonsense'] }, /no origin/],
    ['https://ehr.example.org', { origins: ['https://ehr.example.org', 'http://ehr.example.org'] }, /not https/],
    ['https://ehr.example.org', { origins: ['https://ehr.example.org', 'https://evil.example'] }, /outside/],
  ] as const) {
    t.match(problem(url, options), expected, `${url} ${JSON.stringify(options)}`);
  }
});

// Independent of this repository's own arithmetic: W3C Web Authentication Level 3, §16 Test Vectors.
t.test('WebAuthn L3 §16: the vectors of the specification', async (t) => {
  const text = (hex: string) => Buffer.from(hex, 'hex').toString('base64url');
  const about = factorContextOf({ publicUrl: new URL('https://example.org') });
  const registration = async (challenge: string, id: string, clientDataJSON: string, attestationObject: string) => {
    const { secret } = await invited(about);
    const pending = JSON.parse(secret);
    pending.options.challenge = text(challenge);
    const response = { clientDataJSON: text(clientDataJSON), attestationObject: text(attestationObject) };
    const answer = { response: { id: text(id), rawId: text(id), type: 'public-key', response } };
    return await factor.confirm?.(answer, JSON.stringify(pending), about);
  };
  const authentication = async (
    publicKey: string,
    challenge: string,
    authenticatorData: string,
    clientDataJSON: string,
    signature: string,
  ) => {
    const id = text('00ff');
    const secret = JSON.stringify({
      id,
      publicKey: text(publicKey),
      transports: [],
      deviceType: (Buffer.from(authenticatorData, 'hex').readUInt8(32) & 8) === 0 ? 'singleDevice' : 'multiDevice',
      backedUp: false,
      aaguid: '00000000-0000-0000-0000-000000000000',
    });
    const response = {
      clientDataJSON: text(clientDataJSON),
      authenticatorData: text(authenticatorData),
      signature: text(signature),
    };
    const answer = { response: { id, rawId: id, type: 'public-key', response } };
    return await factor.check(answer, { secret, counter: 0, state: text(challenge) }, about);
  };

  // The device has not verified its user: §16.2.
  t.strictSame(
    await registration(
      '00c30fb78531c464d2b6771dab8d7b603c01162f2fa486bea70f283ae556e130',
      'f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4',
      '7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a22414d4d507434557878475453746e63647134313759447742466938767049612d7077386f4f755657345441222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a20426b5165446a646354427258426941774a544c453551227d',
      'a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b559000000008446ccb9ab1db374750b2367ff6f3a1f0020f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61225820930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220',
    ),
    { result: 'incorrect', reason: 'user-not-verified' },
    'none.ES256',
  );
  // Self attestation, user verified: §16.3.
  t.match(
    await registration(
      '7869c2b772d4b58eba9378cf8f29e26cf935aa77df0da89fa99c0bdc0a76f7e5',
      '455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58c',
      '7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a2265476e4374334c55745936366b336a506a796e6962506b31716e666644616966715a774c33417032392d55222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a205539685458764b453255526b4d6e625f307859485667227d',
      'a363666d74667061636b65646761747453746d74a263616c672663736967584630440220067a20754ab925005dbf378097c92120031581c73228d1fb4f5b881bcd7da98302207fc7b147558c7c0eba3af18bd9d121fa3d3a26d17fe3f220272178f473b6006d68617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b55d00000000df850e09db6afbdfab51697791506cfc0020455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58ca5010203262001215820eb151c8176b225cc651559fecf07af450fd85802046656b34c18f6cf193843c5225820927b8aa427a2be1b8834d233a2d34f61f13bfd44119c325d5896e183fee484f2',
    ),
    { result: 'correct', counter: 0, label: 'Synced passkey' },
    'packed-self.ES256',
  );
  // In a frame of another site: §16.4.
  const framed =
    '7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a226832716c463771445f65356c5f505f62796b7945377135645650674547685f49584a6b655737736e4d5463222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a747275652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a2039327063545644304162792d713464746d6a36656667227d';
  t.strictSame(
    await authentication(
      'a501020326200121582022200a473f90b11078851550d03b4e44a2279f8c4eca27b3153dedfe03e4e97d225820cbd0be95e746ad6f5a8191be11756e4c0420e72f65b466d39bc56b8b123a9c6e',
      '876aa517ba83fdee65fcffdbca4c84eeae5d54f8041a1fc85c991e5bbb273137',
      'bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50500000000',
      framed,
      '3046022100eb12fcf23b12764c0f122e22371fab92e283879fd798f38ee1841c951b6e40e7022100c76237ff9db77b3c56f30837cda6a09acfa2e915544e609c0733b1184036d1cf',
    ),
    { result: 'incorrect', reason: 'cross-origin' },
    'none.ES256.crossOrigin',
  );
  // User verified: the answer of the credential with the longest id.
  const answer = [
    'a50102032620012158203b8176b7504489cc593046d7988abb7905a742de6ac2cdc748a873c663e90cb12258201436d5edc9a75f23999eef9d5950a5c2455514ee1014084720f841a06b828a11',
    'ef1deba56dce48f674a447ccf63b9599258ce87648e5c396f2ef0ca1da460e3b',
    'bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50d00000000',
    '7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a22377833727057334f53505a307045664d396a75566d53574d36485a4935634f573875384d6f647047446a73222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73657d',
    '304502203ecef83fb12a0cae7841055f9f87103a99fd14b424194bbf06c4623d3ee6e3fd022100d2ace346db262b1374a6b70faa51f518a42ddca13a4125ce6f5052a75bac9fb6',
  ] as const;
  t.strictSame(await authentication(...answer), { result: 'correct', counter: 0 }, 'none.ES256.long-credential-id');
  const [, challenge, data, client, signature] = answer;
  const otherKey =
    'a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61225820930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220';
  t.strictSame(
    await authentication(otherKey, challenge, data, client, signature),
    { result: 'incorrect', reason: 'bad-signature' },
    'by another vector’s key',
  );
});
