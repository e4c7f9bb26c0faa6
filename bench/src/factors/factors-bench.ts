import { createHmac, randomBytes } from 'node:crypto';
import { type Factor, passkey, totp } from '@countersign/core';
import { generateSync, ScureBase32Plugin } from 'otplib';
import { type Comparison, compare } from '../comparison.ts';
import { makeSigner, verifyBare } from './assertion.ts';

const publicUrl = new URL('https://ehr.example.org');
const user = { workspaceId: 'clinic', userId: 'ana', displayName: 'Ana' };
const now = Date.UTC(2026, 2, 2, 9);
const context = { user, random: (bytes: number) => randomBytes(bytes), now, publicUrl, askedAt: now };

/** How many a second: what a factor takes, against the cryptographic work in it. */
export async function benchFactors(rounds: number, seconds: number): Promise<Comparison[]> {
  const passkeys = passkeyContenders();
  const codes = totpContenders();
  const ratios = { passkeys: [] as number[], codes: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    const passkeyRatio = (await rate(passkeys.factor, seconds)) / (await rate(passkeys.bare, seconds));
    const codeRatio = (await rate(codes.factor, seconds)) / (await rate(codes.bare, seconds));
    // The first round warms up.
    if (round === 0) continue;
    ratios.passkeys.push(passkeyRatio);
    ratios.codes.push(codeRatio);
  }
  return [
    compare('factors, a second', 'passkey check / bare ES256 verification', ratios.passkeys),
    compare('factors, a second', 'TOTP check / three bare HMAC-SHA-1', ratios.codes),
  ];
}

type Work = () => void | Promise<void>;

function passkeyContenders(): { readonly factor: Work; readonly bare: Work } {
  const factor = passkey();
  const signer = makeSigner();
  const challenge = randomBytes(32).toString('base64url');
  const assertion = signer.assert(challenge, publicUrl.origin, publicUrl.hostname);
  const held = { secret: signer.secret, counter: 0, state: challenge };
  return {
    factor: () => assertCorrect(factor, { response: assertion.response }, held),
    bare() {
      if (!verifyBare(signer.publicKey, assertion)) throw new Error('The signature is not right.');
    },
  };
}

function totpContenders(): { readonly factor: Work; readonly bare: Work } {
  const factor = totp({ issuer: 'Bench' });
  const key = randomBytes(20);
  const secret = new ScureBase32Plugin().encode(key, { padding: false });
  const code = generateSync({ secret, epoch: Math.floor(now / 1000) });
  const step = Buffer.alloc(8);
  return {
    factor: () => assertCorrect(factor, { code }, { secret, counter: -1, state: null }),
    bare() {
      for (const drift of [-1, 0, 1]) {
        step.writeBigUInt64BE(BigInt(Math.floor(now / 30_000) + drift));
        createHmac('sha1', key).update(step).digest();
      }
    },
  };
}

async function assertCorrect(
  factor: Factor,
  answer: Readonly<Record<string, unknown>>,
  held: { readonly secret: string; readonly counter: number; readonly state: string | null },
): Promise<void> {
  const { result } = await factor.check(answer, held, context);
  if (result !== 'correct') throw new Error('The right answer was refused.');
}

async function rate(work: Work, seconds: number): Promise<number> {
  const began = performance.now();
  const until = began + seconds * 1000;
  let done = 0;
  while (performance.now() < until) {
    for (let n = 0; n < 20; n++) await work();
    done += 20;
  }
  return done / (performance.now() - began);
}
