import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import type { FactorCheck } from '../../src/factors/factor.ts';
import { makeLookupCode, normalizedLookupCode } from '../../src/factors/lookup-code.ts';
import { type RecoveryCodesInvitation, recoveryCodes } from '../../src/factors/recovery-codes.ts';
import { factorContextOf } from '../support/factor-context.ts';

const factor = recoveryCodes();
const context = factorContextOf();

function made(about = context) {
  const invited = factor.invite?.(about, []);
  if (invited === undefined || invited instanceof Promise) throw new Error('codes are made at once');
  return { secret: invited.secret, codes: (invited.invitation as RecoveryCodesInvitation).codes };
}
const check = (code: unknown, secret: string, counter: number): FactorCheck =>
  factor.check({ code }, { secret, counter, state: null }, context) as FactorCheck;

t.test('ten codes of 80 random bits, in groups, shown once and kept as keyed hashes', async (t) => {
  const asked: number[] = [];
  const random = (bytes: number) => {
    asked.push(bytes);
    return randomBytes(bytes);
  };
  const { secret, codes } = made(factorContextOf({ random }));
  t.equal(codes.length, 10);
  t.equal(new Set(codes).size, 10);
  for (const code of codes) t.match(code, /^(?:[0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
  t.strictSame(asked.sort(), [...Array.from({ length: 10 }, () => 16), 32], '16 letters of 5 bits each, and a pepper');
  for (const code of codes) t.notOk(secret.includes(code.replaceAll('-', '')) || secret.includes(code));
  const kept = JSON.parse(secret);
  t.strictSame(Object.keys(kept), ['pepper', 'hashes']);
  t.equal(Buffer.from(kept.pepper, 'base64url').length, 32);
  for (const hash of kept.hashes) t.equal(Buffer.from(hash, 'base64url').length, 32);
  t.equal(factor.invitation?.(context, secret), null, 'never again');
  const other = made();
  t.notOk(other.codes.some((code) => codes.includes(code)));
  t.equal(check(other.codes[0], secret, 0).result, 'incorrect', 'another person’s code');
  t.match(factor, {
    id: 'recovery-codes',
    strength: 'any',
    isRecovery: true,
    confirmedAtOnce: true,
    accountOnly: false,
  });
  t.match(recoveryCodes({ accountOnly: true }), { accountOnly: true });
  t.equal(factor.several, undefined, 'new ones replace the old');
});

t.test('every letter is as likely as any other, for bytes that are', async (t) => {
  const counts = new Map<string, number>();
  for (let first = 0; first < 256; first += 16) {
    const code = makeLookupCode((bytes) => Uint8Array.from({ length: bytes }, (_, index) => first + index));
    for (const letter of code.replaceAll('-', '')) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  }
  t.equal(counts.size, 32);
  t.ok([...counts.values()].every((count) => count === 8));
});

t.test('a code is accepted as people type and paste it', async (t) => {
  const { secret, codes } = made();
  const [code = ''] = codes;
  for (const typed of [code, code.toLowerCase(), code.replaceAll('-', ''), code.replaceAll('-', ' '), ` ${code}\r\n`]) {
    t.ok(factor.isWellFormed({ code: typed }), typed);
    t.match(check(typed, secret, 0), { result: 'correct', counter: 1, remaining: 9 }, typed);
  }
  t.equal(normalizedLookupCode('o0Oi-1lLI-ABCD-EFGH'), '00011111ABCDEFGH');
  for (const hostile of [
    '',
    code.slice(1),
    `${code}0`,
    code.replace(/.$/, 'U'),
    code.replace(/.$/, '!'),
    `${code}\u0000`,
    '0'.repeat(10_000),
    [code],
    { code },
    null,
    undefined,
    5,
    true,
  ]) {
    t.equal(factor.isWellFormed({ code: hostile }), false);
    t.strictSame(check(hostile, secret, 0), { result: 'incorrect' });
  }
});

t.test('each code once, in any order; what is left is told', async (t) => {
  const { secret, codes } = made();
  let counter = 0;
  for (const [index, code] of [...codes].reverse().entries()) {
    const found = check(code, secret, counter);
    if (found.result !== 'correct') return t.fail(`code ${index}`);
    t.equal(found.remaining, 9 - index);
    t.equal(factor.remaining?.(secret, found.counter), 9 - index);
    t.ok(found.counter > counter, 'the counter only grows');
    counter = found.counter;
    t.strictSame(check(code, secret, counter), { result: 'incorrect', reason: 'already-used' });
    t.equal(factor.isUsedUp?.(counter), index === 9);
  }
  for (const code of codes) t.strictSame(check(code, secret, counter), { result: 'incorrect', reason: 'already-used' });
  t.equal(factor.remaining?.(secret, -1), 10, 'where none was used');
  t.equal(factor.isUsedUp?.(-1), false);
});

t.test(
  'property: in any order and however often, each code is accepted once, and the counter never goes down',
  async (t) => {
    const { secret, codes } = made();
    t.doesNotThrow(() =>
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 0, max: 11 }), { maxLength: 40 }), (picks) => {
          let counter = 0;
          const used = new Set<number>();
          for (const pick of picks) {
            const found = check(codes[pick] ?? makeLookupCode(randomBytes), secret, counter);
            const fresh = pick < 10 && !used.has(pick);
            if ((found.result === 'correct') !== fresh) return false;
            if (found.result !== 'correct') continue;
            used.add(pick);
            if (found.counter <= counter || found.remaining !== 10 - used.size) return false;
            counter = found.counter;
          }
          return (
            factor.remaining?.(secret, counter) === 10 - used.size && factor.isUsedUp?.(counter) === (used.size === 10)
          );
        }),
        { numRuns: 300 },
      ),
    );
  },
);

t.test('options that make no sense are refused', async (t) => {
  t.throws(() => recoveryCodes({ accountOnly: 'yes' } as never), {
    code: 'configuration_invalid',
    details: { field: 'recoveryCodes.accountOnly', cure: String },
  });
});
