import { hash } from 'node:crypto';
import { type Proof, proofLife, type SessionKey } from '@countersign/core';
import type { sessionProof } from '../schema.ts';

type ProofContent = Pick<Proof, 'patientId' | 'scope' | 'factor' | 'strength' | 'terms' | 'operation'>;

/** A patient id as a column holds it: JSON, since an id may hold what a text of PostgreSQL may not. */
export const patientText = (patientId: string): string => JSON.stringify(patientId);

/** A proof as a row, and what no two rows of one statement may share. */
export function proofRow(
  proofs: string,
  proof: Proof,
): { readonly id: string; readonly row: typeof sessionProof.$inferInsert } {
  const { patientId, scope, factor, strength, terms, operation, verifiedAt } = proof;
  const content: ProofContent = {
    patientId,
    scope,
    factor,
    strength,
    terms,
    ...(operation === undefined ? {} : { operation }),
  };
  const json = JSON.stringify(content);
  const kind = hash('sha256', json, 'base64url');
  return {
    id: kind,
    row: {
      proofs,
      patient: patientText(patientId),
      kind,
      operation: operation ?? null,
      verifiedAt,
      content: json,
      expiresAt: verifiedAt + proofLife(terms),
    },
  };
}

export function proofOf(key: SessionKey, sessionNumber: string, json: string, verifiedAt: number): Proof {
  const { operation, ...content } = JSON.parse(json) as ProofContent;
  const { workspaceId, userId } = key;
  return {
    workspaceId,
    userId,
    sessionNumber,
    ...content,
    verifiedAt,
    ...(operation === undefined ? {} : { operation }),
  };
}
