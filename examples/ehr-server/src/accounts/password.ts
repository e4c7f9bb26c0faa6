import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

/** OWASP Password Storage Cheat Sheet, scrypt: N=2^15, r=8, p=3. About 32 MB and a quarter of a second each. */
const cost = { N: 2 ** 15, r: 8, p: 3 } as const;
const keyLength = 32;
const maxmem = 64 * 1024 * 1024;

/** `scrypt$N$r$p$salt$key`, salt and key in base64url. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, keyLength, { ...cost, maxmem });
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64url'), key.toString('base64url')].join('$');
}

/**
 * Whether `password` is the one behind `hash`. `hash` is null for a user name that nobody has: the same work is done and the
 * answer is no, so that the time taken tells nobody which names exist.
 */
export async function checkPassword(password: string, hash: string | null): Promise<boolean> {
  const parsed = hash === null ? null : parse(hash);
  const { salt, key, ...options } = parsed ?? { ...cost, salt: Buffer.alloc(16), key: Buffer.alloc(keyLength) };
  const derived = await derive(password, salt, key.length, { ...options, maxmem });
  return timingSafeEqual(derived, key) && parsed !== null;
}

function parse(hash: string): { N: number; r: number; p: number; salt: Buffer; key: Buffer } {
  const [scheme, N, r, p, salt, key] = hash.split('$');
  if (scheme !== 'scrypt' || salt === undefined || key === undefined)
    throw new Error('A stored password hash is unreadable.');
  return {
    N: Number(N),
    r: Number(r),
    p: Number(p),
    salt: Buffer.from(salt, 'base64url'),
    key: Buffer.from(key, 'base64url'),
  };
}

function derive(password: string, salt: Buffer, length: number, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // NFC, so that a password typed on another keyboard is the same password (NIST SP 800-63B-4, 3.1.1.2).
    scrypt(password.normalize('NFC'), salt, length, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
