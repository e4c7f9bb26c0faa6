import type { TreeNode } from '../audit/merkle.ts';
import type { AuditRecord } from './store.ts';

/** What the sealer put into the tree at one time. */
export interface SealRow {
  /** Dense, from 0. */
  readonly number: number;
  /** Leaves of the tree from this seal on. */
  readonly size: number;
  readonly root: Uint8Array;
  /** Hashes of the perfect subtrees that `size` is made of, the largest first, 32 bytes each. */
  readonly frontier: Uint8Array;
  /** The signed note. */
  readonly checkpoint: string;
  /** Our clock, milliseconds. */
  readonly at: number;
}

/** Records of one stream, from `from` and before `until`. */
export interface StreamRange {
  readonly stream: string;
  readonly from: number;
  readonly until: number;
}

/** Which records a seal has put into the tree, and where. */
export interface SealRange extends StreamRange {
  readonly seal: number;
  /** Place of the first among the tree's leaves. */
  readonly start: number;
  /** Hash of the last record. */
  readonly head: Uint8Array;
}

/** A seal with its ranges, in the order of their leaves. */
export interface SealWithRanges extends SealRow {
  readonly ranges: readonly SealRange[];
}

/** A record as its chain sees it. */
export interface ChainRecord {
  /** Canonical bytes of what is stored; the stream stands from byte 1, the index from byte 17. */
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
}

/** Events that were moved out: all leaves before `size`. */
export interface ArchiveRow {
  /** The last seal of what was moved out. */
  readonly seal: number;
  readonly size: number;
  /** JSON: by stream the first index that is left, and in hex the hash of the record before it. */
  readonly heads: string;
  /** SHA-256 of the file. */
  readonly digest: Uint8Array;
  readonly at: number;
}

/** The seals of the log, and what they are made from and checked against. Bounded in time, and rejects, as {@link Store} does. */
export interface SealStore {
  newest(): Promise<SealRow | null>;
  /** The seal of this size, or else the first that is larger; null: none is. */
  sealOf(size: number): Promise<SealRow | null>;
  /**
   * Records that no seal has put into the tree. Of streams that live or ended within the last two minutes; with `all` of every
   * stream there is.
   */
  unsealed(all: boolean): Promise<readonly StreamRange[]>;
  /** For each range the hashes of its records one after the other. Shorter where records are missing. */
  hashes(ranges: readonly StreamRange[]): Promise<readonly Uint8Array[]>;
  /**
   * Puts a seal there with all that belongs to it, in one commit that is on disk. False: another process was first, or a range does
   * not follow on what is sealed; nothing was written.
   */
  append(seal: SealRow, ranges: readonly SealRange[], nodes: readonly TreeNode[]): Promise<boolean>;
  /** Seals with their ranges, in order, from this number. */
  page(from: number, limit: number): Promise<readonly SealWithRanges[]>;
  /** Ranges that have leaves from `from` and before `until`, in the order of their leaves. */
  ranges(from: number, until: number): Promise<readonly SealRange[]>;
  /** Stored subtrees of a level, from index `from` and before `until`, in order. */
  nodes(level: number, from: number, until: number): Promise<readonly TreeNode[]>;
  /** An event, and where it is among the leaves; null: not sealed. Null as a whole: there is no such event. */
  event(id: string): Promise<{ readonly record: AuditRecord; readonly leafIndex: number | null } | null>;
  /** Records of a stream in order, from index `from` (null: from its first row, whatever its index) and before `until`. */
  chain(stream: string, from: number | null, until: number | null, limit: number): Promise<readonly ChainRecord[]>;
  /** In the order in which they were moved out. */
  archives(): Promise<readonly ArchiveRow[]>;
  /** Records of a range, in order. */
  records(range: StreamRange): Promise<readonly AuditRecord[]>;
  /**
   * The last seal up to which every record is older than this instant (milliseconds); null: none is. Not bounded in time, since it
   * may look at every record before.
   */
  lastSealBefore(instant: number): Promise<number | null>;
  /**
   * Removes the records of all seals after the last archive and up to this one, and puts the archive's row in their place, in one
   * commit, as the owner of the tables. Rejects, and removes nothing, unless they are exactly so many. Not bounded in time.
   */
  moveOut(
    archive: { readonly seal: number; readonly digest: Uint8Array; readonly at: number },
    records: number,
  ): Promise<void>;
}
