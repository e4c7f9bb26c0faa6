/**
 * What a policy may ask of a factor.
 * `phishing-resistant` is NIST SP 800-63B-4 §3.2.5 (verifier name binding): passkeys. `any` is every enrolled second factor.
 */
export type Strength = 'any' | 'phishing-resistant';

const rank: Record<Strength, number> = { any: 0, 'phishing-resistant': 1 };

/** Whether a factor of strength `had` answers a demand for `asked`. */
export function satisfiesStrength(had: Strength, asked: Strength): boolean {
  return rank[had] >= rank[asked];
}

/** The more demanding of two strengths. */
export function strongest(one: Strength, other: Strength): Strength {
  return rank[one] >= rank[other] ? one : other;
}
