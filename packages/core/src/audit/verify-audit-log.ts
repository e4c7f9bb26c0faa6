import type { SealStore } from '../store/seal-store.ts';
import type { StreamHead } from '../store/store.ts';
import type { ArchivedLog } from './archived-log.ts';
import type { AuditDeviation } from './audit-deviation.ts';
import { AuditVerification, Deviates } from './audit-verification.ts';
import type { NoteVerifier } from './checkpoint.ts';

/** What the whole log is checked against. */
export interface AuditLogCheck {
  readonly store: {
    readonly seals: SealStore;
    auditStreams(): Promise<readonly StreamHead[]>;
  };
  /** The keys that may have signed checkpoints of a log of this name. */
  verifiers(origin: string): readonly NoteVerifier[];
  /** Checkpoints that were kept elsewhere: what the log cannot have been rewritten past, whoever has its key. */
  readonly checkpoints?: readonly string[];
  /** What was moved out, to be checked with the rest. */
  readonly archives?: readonly ArchivedLog[];
  /** Told now and then how many records have been checked. */
  onProgress?(records: number): void;
}

/** What {@link verifyAuditLog} found. */
export interface AuditLogFindings {
  /** The first deviation; null: the log is intact. */
  readonly deviation: AuditDeviation | null;
  /** Records that a seal covers and that were checked. */
  readonly sealed: number;
  /** Records behind the last seal: their chains were checked, and nothing vouches for where they end. */
  readonly unsealed: number;
  /** Records that were moved out and not given: known by the root of their seals only. */
  readonly archived: number;
  /** The newest checkpoint of the log; null: nothing was sealed. */
  readonly checkpoint: string | null;
  /** How many of the given checkpoints the log was compared with. */
  readonly compared: number;
}

/**
 * Recomputes the whole log: chains, ranges, tree, roots and signatures, and compares with checkpoints from elsewhere. Streams, so
 * that memory does not grow with the log. Throws `checkpoint_invalid` where a given checkpoint was signed by no given key,
 * `audit_archive_invalid` where archives do not fit, and what the store rejects with.
 */
export async function verifyAuditLog(check: AuditLogCheck): Promise<AuditLogFindings> {
  const verification = new AuditVerification(check);
  try {
    await verification.run();
  } catch (error) {
    if (!(error instanceof Deviates)) throw error;
    return verification.findings(error.deviation);
  }
  return verification.findings(null);
}
