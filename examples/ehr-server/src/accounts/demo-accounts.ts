import { hkdfSync } from 'node:crypto';
import { ScureBase32Plugin } from 'otplib';

export const demoPassword = 'demo';

export interface DemoAccount {
  readonly username: string;
  readonly displayName: string;
  readonly roles: readonly string[];
  /** 20 bytes in base32 for the accounts that have an authenticator from the start; null: no factor yet. */
  readonly totpSecret: string | null;
}

const people = [
  { username: 'clinician', displayName: 'Dr. Casey Sample', roles: ['clinician'], enrolled: true },
  { username: 'clinician2', displayName: 'Dr. Robin Specimen', roles: ['clinician'], enrolled: true },
  { username: 'newcomer', displayName: 'Dr. Nova Placeholder', roles: ['clinician'], enrolled: false },
  { username: 'admin', displayName: 'Ada Administrator', roles: ['administrator'], enrolled: true },
] as const;

/**
 * The accounts that anybody may sign in with, all by the password `demo`. Their TOTP secrets follow from `ehrSecret` alone
 * (HKDF, RFC 5869, one label each), so that nothing has to be stored and a restart leaves a person's authenticator working.
 */
export function demoAccounts(ehrSecret: string): readonly DemoAccount[] {
  const base32 = new ScureBase32Plugin();
  return people.map(({ username, displayName, roles, enrolled }) => {
    const bytes = new Uint8Array(hkdfSync('sha256', ehrSecret, '', `example-ehr demo totp ${username}`, 20));
    return { username, displayName, roles, totpSecret: enrolled ? base32.encode(bytes, { padding: false }) : null };
  });
}
