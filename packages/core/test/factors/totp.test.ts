import { execFileSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { generateSync } from 'otplib';
import t from 'tap';
import type { FactorCheck, FactorContext } from '../../src/factors/factor.ts';
import { type TotpInvitation, totp } from '../../src/factors/totp.ts';
import { factorContextOf } from '../support/factor-context.ts';

/** RFC 4648 base32, by hand. */
function base32(bytes: Uint8Array): string {
  let bits = '';
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0');
  return (bits.match(/.{1,5}/g) ?? [])
    .map((five) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(five.padEnd(5, '0'), 2)])
    .join('');
}

/** RFC 4226 §5.3, by hand. */
function hotp(key: Uint8Array, counter: number, digits = 6): string {
  const moving = Buffer.alloc(8);
  moving.writeBigUInt64BE(BigInt(counter));
  const mac = createHmac('sha1', key).update(moving).digest();
  const offset = mac.readUInt8(19) & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 10 ** digits).padStart(digits, '0');
}

const RFC_KEY = Buffer.from('12345678901234567890');
const SECRET = base32(RFC_KEY);
const factor = totp({ issuer: 'Example EHR' });
const strict = totp({ issuer: 'Example EHR', drift: 0 });
const at = (seconds: number) => seconds * 1000;
const codeAt = (seconds: number, key: Uint8Array = RFC_KEY) => hotp(key, Math.floor(seconds / 30));
const checkAt = (code: unknown, secret: string, counter: number, now: number, by = factor): FactorCheck =>
  by.check({ code }, { secret, counter, state: null }, factorContextOf({ now })) as FactorCheck;
const check = (code: unknown, seconds: number, counter = -1, by = factor): FactorCheck =>
  checkAt(code, SECRET, counter, at(seconds), by);
const named = (displayName: string, changes: Partial<FactorContext> = {}): FactorContext =>
  factorContextOf({ user: { workspaceId: 'clinic', userId: 'ana', displayName }, ...changes });
const invite = (displayName: string, changes: Partial<FactorContext> = {}) =>
  factor.invite?.(named(displayName, changes), []) as { readonly secret: string; readonly invitation: TotpInvitation };
const invitationOf = (displayName: string, by = factor) =>
  by.invitation?.(named(displayName), SECRET) as TotpInvitation;

t.test('RFC 4226 Appendix D: counters 0 to 9', async (t) => {
  const values = ['755224', '287082', '359152', '969429', '338314', '254676', '287922', '162583', '399871', '520489'];
  for (const [counter, code] of values.entries()) {
    t.equal(hotp(RFC_KEY, counter), code, 'the arithmetic of this test');
    t.strictSame(check(code, counter * 30, -1, strict), { result: 'correct', counter }, `counter ${counter}`);
  }
});

t.test('RFC 6238 Appendix B, SHA-1: six digits are the last six of the eight given there', async (t) => {
  for (const [seconds, eight] of [
    [59, '94287082'],
    [1111111109, '07081804'],
    [1111111111, '14050471'],
    [1234567890, '89005924'],
    [2000000000, '69279037'],
    [20000000000, '65353130'],
  ] as const) {
    t.equal(hotp(RFC_KEY, Math.floor(seconds / 30), 8), eight, 'the arithmetic of this test');
    const expected = { result: 'correct', counter: Math.floor(seconds / 30) } as const;
    t.strictSame(check(eight.slice(2), seconds, -1, strict), expected, `at ${seconds}`);
  }
});

t.test('drift: one step of 30 s on either side, to the second, or none', async (t) => {
  const step = 1000;
  const start = step * 30;
  const code = codeAt(start);
  const accepts = (by: typeof factor, seconds: number) => check(code, seconds, -1, by).result === 'correct';
  for (const [seconds, withDrift, without] of [
    [start - 31, false, false],
    [start - 30, true, false],
    [start - 1, true, false],
    [start, true, true],
    [start + 29, true, true],
    [start + 30, true, false],
    [start + 59, true, false],
    [start + 60, false, false],
  ] as const) {
    t.equal(accepts(factor, seconds), withDrift, `drift 1 at ${seconds - start} s`);
    t.equal(accepts(strict, seconds), without, `drift 0 at ${seconds - start} s`);
  }
  t.equal(checkAt(code, SECRET, -1, at(start + 60) - 1).result, 'correct', 'and to the millisecond');
  t.strictSame(
    check(code, start + 30),
    { result: 'correct', counter: step },
    'the counter is the step of the code, not of now',
  );
});

t.test('a code is accepted as people type and paste it', async (t) => {
  const code = codeAt(59);
  for (const typed of [
    code,
    `${code.slice(0, 3)} ${code.slice(3)}`,
    `${code.slice(0, 3)}\u00a0${code.slice(3)}`,
    `${code.slice(0, 3)}\u202f${code.slice(3)}`,
    `${code.slice(0, 3)}-${code.slice(3)}`,
    ` ${code}\r\n`,
    `\t${code}`,
  ]) {
    t.ok(factor.isWellFormed({ code: typed }), JSON.stringify(typed));
    t.equal(check(typed, 59).result, 'correct', JSON.stringify(typed));
  }
});

t.test('Threat 19: what is no code is told apart at once, and never matches', async (t) => {
  const code = codeAt(59);
  const digits = [...code];
  const hostile: readonly unknown[] = [
    '',
    ' ',
    '12345',
    `${code}0`,
    `0${code}`,
    'abcdef',
    `${code.slice(0, 5)}x`,
    `+${code}`,
    `-${code.slice(1)}`,
    `${code}.0`,
    '0x1234',
    '1e5000',
    `${code}\u0000`,
    digits.map((digit) => String.fromCodePoint(0xff10 + Number(digit))).join(''),
    digits.map((digit) => String.fromCodePoint(0x0660 + Number(digit))).join(''),
    '1'.repeat(10_000),
    `${' '.repeat(10_000)}${code}`,
    `${code}\u200b`,
    `${code}';--`,
    Number(code),
    BigInt(code),
    [code],
    digits,
    { code },
    { toString: () => code },
    null,
    undefined,
    true,
    () => code,
    new Date(0),
  ];
  for (const typed of hostile) {
    const shown = typeof typed === 'string' ? JSON.stringify(typed).slice(0, 30) : typeof typed;
    t.equal(factor.isWellFormed({ code: typed }), false, shown);
    t.strictSame(check(typed, 59), { result: 'incorrect' }, shown);
  }
  t.equal(factor.isWellFormed({}), false);
  t.equal(factor.isWellFormed({ Code: code, otp: code }), false);
});

t.test('Threat 2: a code is replayed at once, and at +31 s within drift', async (t) => {
  const now = 3000 * 30 + 10;
  const first = check(codeAt(now), now);
  t.strictSame(first, { result: 'correct', counter: 3000 });
  t.strictSame(
    check(codeAt(now), now, 3000),
    { result: 'already-used', retryAfterSeconds: 20 },
    'until the next step begins',
  );
  t.strictSame(check(codeAt(now), 3001 * 30 - 1, 3000), { result: 'already-used', retryAfterSeconds: 1 });
  t.strictSame(
    check(codeAt(now), now + 31, 3000),
    { result: 'already-used', retryAfterSeconds: 1 },
    'the current code is new already',
  );
  t.equal(check(codeAt(now + 31), now + 31, 3000).result, 'correct', 'and it is accepted');
  t.strictSame(
    check(codeAt(now - 30), now, 3000),
    { result: 'already-used', retryAfterSeconds: 20 },
    'nor an earlier one that was never used',
  );
  const ahead = check(codeAt(now + 30), now);
  t.strictSame(ahead, { result: 'correct', counter: 3001 }, 'a device that is ahead');
  t.strictSame(
    check(codeAt(now), now, 3001),
    { result: 'already-used', retryAfterSeconds: 50 },
    'waits for the step after it',
  );
  t.strictSame(check('000000', now, 3000), { result: 'incorrect' }, 'a wrong code says nothing of counters');
});

t.test('property: no step at or below the counter is ever accepted, and none outside the drift', async (t) => {
  const property = fc.property(
    fc.integer({ min: 100, max: 1e9 }),
    fc.integer({ min: -3, max: 3 }),
    fc.integer({ min: -3, max: 3 }),
    fc.integer({ min: 0, max: 29_999 }),
    fc.boolean(),
    (step, offset, counterOffset, milliseconds, lenient) => {
      const by = lenient ? factor : strict;
      const counter = step + counterOffset;
      const found = checkAt(hotp(RFC_KEY, step + offset), SECRET, counter, step * 30_000 + milliseconds, by);
      const drift = lenient ? 1 : 0;
      if (found.result === 'correct') return found.counter > counter && Math.abs(found.counter - step) <= drift;
      if (found.result === 'already-used')
        return found.retryAfterSeconds >= 1 && found.retryAfterSeconds <= (counter + 1 - step) * 30 + 1;
      // Codes of two steps can be equal by chance, so only this direction is certain.
      return Math.abs(offset) > drift;
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 1000 }));
});

t.test('differential: the codes of otplib and of this test are the ones accepted, for any secret', async (t) => {
  const property = fc.property(
    fc.uint8Array({ minLength: 20, maxLength: 32 }),
    fc.integer({ min: 30, max: 2e10 }),
    (key, seconds) => {
      const secret = base32(key);
      const code = hotp(key, Math.floor(seconds / 30));
      return (
        generateSync({ secret, epoch: seconds }) === code &&
        checkAt(code, secret, -1, at(seconds), strict).result === 'correct'
      );
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 200 }));
});

const oathtool = (() => {
  try {
    execFileSync('oathtool', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
t.test(
  'differential: the codes of oathtool are accepted',
  { skip: oathtool ? false : 'oathtool is not on this machine (apt-get install oathtool)' },
  async (t) => {
    for (let round = 0; round < 20; round++) {
      const key = randomBytes(20);
      const seconds = 30 + Math.floor((round / 20) * 4e9);
      const now = new Date(at(seconds)).toISOString().replace('T', ' ').replace(/\..*/, ' UTC');
      const code = execFileSync('oathtool', ['--totp', '--base32', base32(key), '--now', now], {
        encoding: 'utf8',
      }).trim();
      t.strictSame(
        checkAt(code, base32(key), -1, at(seconds), strict),
        { result: 'correct', counter: Math.floor(seconds / 30) },
        now,
      );
    }
  },
);

t.test('an invitation: 160 random bits, and a URI that says who and whose', async (t) => {
  const asked: number[] = [];
  const random = (bytes: number) => {
    asked.push(bytes);
    return RFC_KEY;
  };
  const { secret, invitation } = invite('ana@example.org', { random });
  t.strictSame(asked, [20]);
  t.equal(secret, SECRET);
  t.match(invitation, { manualKey: SECRET, issuer: 'Example EHR', account: 'ana@example.org' });
  const uri = new URL(invitation.uri);
  t.equal(uri.protocol, 'otpauth:');
  t.equal(uri.host, 'totp');
  t.equal(decodeURIComponent(uri.pathname), '/Example EHR:ana@example.org');
  t.equal(uri.searchParams.get('secret'), SECRET);
  t.equal(uri.searchParams.get('issuer'), 'Example EHR');
  t.ok(
    [null, '30'].includes(uri.searchParams.get('period')) &&
      [null, '6'].includes(uri.searchParams.get('digits')) &&
      [null, 'SHA1'].includes(uri.searchParams.get('algorithm')),
    'what every app speaks',
  );
  t.strictSame(invitationOf('ana@example.org'), invitation, 'shown again the same');
  t.not(invite('ana').secret, invite('ana').secret);
  t.equal(factor.strength, 'any', 'a code can be phished');
  t.equal(factor.id, 'totp');
  t.ok(Object.isFrozen(factor));
});

t.test('a secret of an earlier MFA is taken over in base32, of 112 bits at least', async (t) => {
  for (const size of [15, 16, 20, 32, 64]) t.ok(factor.isSecret?.(base32(randomBytes(size))), `${size} bytes`);
  for (const bad of [
    '',
    base32(randomBytes(10)),
    base32(randomBytes(100)),
    SECRET.toLowerCase(),
    `${SECRET.slice(0, 16)} ${SECRET.slice(16)}`,
    `${SECRET}====`,
    SECRET.replace(/.$/, '1'),
    '0'.repeat(32),
    `otpauth://totp/x?secret=${SECRET}`,
  ]) {
    t.equal(factor.isSecret?.(bad), false, bad.slice(0, 20));
  }
});

t.test('Threat 19: hostile issuers and names stay inside their own part of the URI', async (t) => {
  const hostile = [
    'A:B',
    'A&secret=AAAA',
    'A?issuer=Evil',
    'A#x',
    'A/../B',
    '%3A',
    '<script>alert(1)</script>',
    '"quoted"',
    'Zoë 医院 🏥',
    '\u202egnp.exe',
    'line\r\nbreak',
    '\ud800 alone',
    'x'.repeat(5000),
    '🏥'.repeat(500),
  ];
  for (const text of hostile) {
    const shown = JSON.stringify(text).slice(0, 30);
    const { uri, issuer, account } = invitationOf(text, totp({ issuer: text }));
    const parsed = new URL(uri);
    t.strictSame(parsed.searchParams.getAll('secret'), [SECRET], shown);
    t.strictSame(parsed.searchParams.getAll('issuer'), [issuer], shown);
    const label = decodeURIComponent(parsed.pathname.slice(1));
    t.equal(label, `${issuer}:${account}`, shown);
    t.equal(label.split(':').length, 2, `${shown}: one colon, between issuer and account`);
    t.equal(parsed.hash, '');
    t.ok(uri.length < 2900, `${shown}: fits a QR code`);
  }
  for (const blank of ['', '   ', ':::']) {
    t.equal(invitationOf(blank).account, 'account', 'an app shows something');
  }
});

t.test('options that make no sense are refused, with the cure and without the value', async (t) => {
  for (const [options, field] of [
    [undefined, 'issuer'],
    [{}, 'issuer'],
    [{ issuer: ' : ' }, 'issuer'],
    [{ issuer: 5 }, 'issuer'],
    [{ issuer: 'EHR', drift: 2 }, 'drift'],
    [{ issuer: 'EHR', drift: '1' }, 'drift'],
    [{ issuer: 'EHR', drift: -1 }, 'drift'],
  ] as const) {
    t.throws(
      () => totp(options as never),
      { code: 'configuration_invalid', details: { field: `totp.${field}`, cure: String } },
      JSON.stringify(options),
    );
  }
});
