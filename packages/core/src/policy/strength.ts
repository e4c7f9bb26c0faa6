/**
 * What a policy may ask of a factor, each including those before it.
 *
 * - `any`: every enrolled second factor.
 * - `multi-factor`: two different ones of know, have and are (NIST SP 800-63B-4 §2.2; DEA 21 CFR 1311.115): a passkey, or a code
 *   together with the password, where the host can check one.
 * - `phishing-resistant`: verifier name binding (NIST SP 800-63B-4 §3.2.5): passkeys.
 */
export type Strength = 'any' | 'multi-factor' | 'phishing-resistant';

/** Every strength, the weakest first. */
export const strengths = ['any', 'multi-factor', 'phishing-resistant'] as const satisfies readonly Strength[];

const rank: Record<Strength, number> = { any: 0, 'multi-factor': 1, 'phishing-resistant': 2 };

/** Whether a factor of strength `had` answers a demand for `asked`. */
export function satisfiesStrength(had: Strength, asked: Strength): boolean {
  return rank[had] >= rank[asked];
}

/** The more demanding of two strengths. */
export function strongest(one: Strength, other: Strength): Strength {
  return rank[one] >= rank[other] ? one : other;
}

/** The less demanding of two strengths. */
export function weakest(one: Strength, other: Strength): Strength {
  return rank[one] <= rank[other] ? one : other;
}
