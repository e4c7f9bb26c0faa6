import { hash } from 'node:crypto';
import { type PresentedBinding, type Proof, proofLife } from '@countersign/core';

/**
 * A session is one hash in Redis. Members of which there are several are lines of text, each a few words and then JSON, so that a
 * script takes them apart without knowing what they say. JSON has no line break of its own.
 *
 * - `p:` and a patient id: the proofs for that patient, `verifiedAt kind expiresAt json`
 * - `o`: one-shot proofs, `verifiedAt operation expiresAt json`
 * - `c`: open challenges, `expiresAt id requirement json`; `y`: ceremonies, `expiresAt name json`; `t`: turns, `factor failures notBefore`
 */
export type SharedProof = Pick<Proof, 'patientId' | 'scope' | 'factor' | 'strength' | 'terms' | 'operation'>;

/** A word of a line, for text that may hold anything: also what somebody sends as an id. */
export const wordOf = (text: string): string => hash('sha256', text, 'base64url');

export const patientField = (patientId: string): string => `p:${patientId}`;

/**
 * A proof as a script takes it: its field, its kind (later ones replace earlier ones of the same), its moment, the moment from
 * which no demand can be answered by it any more, the rest.
 */
export function proofArguments(proof: Proof): string[] {
  const { patientId, scope, factor, strength, terms, operation, verifiedAt } = proof;
  const kept: SharedProof = {
    patientId,
    scope,
    factor,
    strength,
    terms,
    ...(operation === undefined ? {} : { operation }),
  };
  const json = JSON.stringify(kept);
  const rest = [`${verifiedAt}`, `${verifiedAt + proofLife(terms)}`, json];
  return operation === undefined ? [patientField(patientId), wordOf(json), ...rest] : ['o', wordOf(operation), ...rest];
}

/** The proofs of a member, before `until` (exclusive). */
export function proofsIn(
  lines: string | null | undefined,
  until: number,
): { readonly verifiedAt: number; readonly proof: SharedProof }[] {
  const found = [];
  for (const line of (lines ?? '').split('\n')) {
    const words = /^(\d+) \S+ \d+ (.*)$/s.exec(line);
    if (words === null) continue;
    const [, verifiedAt, json = ''] = words;
    if (Number(verifiedAt) < until)
      found.push({ verifiedAt: Number(verifiedAt), proof: JSON.parse(json) as SharedProof });
  }
  return found;
}

/** How a request presents itself, as a script takes it: no binding of a browser is taken for `bearer` or for none. */
export function bindingArgument(binding: PresentedBinding): string {
  return binding === null ? '' : binding === 'bearer' ? 'bearer' : `=${binding}`;
}
