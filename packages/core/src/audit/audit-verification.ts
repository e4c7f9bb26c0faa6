import { CountersignError } from '../errors/countersign-error.ts';
import type { ChainRecord, SealRange, SealWithRanges } from '../store/seal-store.ts';
import type { ArchivedLog } from './archived-log.ts';
import { type AuditDeviation, ChainHasher, type DeviationKind, movedKind } from './audit-deviation.ts';
import { CHAIN_START } from './canonical.ts';
import { ChainReader, indexOf } from './chain-reader.ts';
import { type Checkpoint, parseCheckpoint, verifyCheckpoint } from './checkpoint.ts';
import { leafHash, MerkleFrontier } from './merkle.ts';
import { NodeCheck } from './node-check.ts';
import { OpeningRecords } from './opening-records.ts';
import type { AuditLogCheck, AuditLogFindings } from './verify-audit-log.ts';

/** Records that are worked on at one time. */
const CHUNK = 4096;
const SEAL_PAGE = 256;

interface Chain {
  next: number;
  head: Uint8Array;
}

/** Ends the check at the first deviation. */
export class Deviates extends Error {
  readonly deviation: AuditDeviation;

  constructor(deviation: AuditDeviation) {
    super(deviation.kind);
    this.deviation = deviation;
  }
}

/** One check of the log from its first seal to its last record. `run` throws {@link Deviates} at the first deviation. */
export class AuditVerification {
  readonly #check: AuditLogCheck;
  readonly #reader: ChainReader;
  readonly #hasher = new ChainHasher();
  readonly #nodes: NodeCheck;
  readonly #openings = new OpeningRecords();
  readonly #chains = new Map<string, Chain>();
  /** From elsewhere, the smallest first. */
  readonly #outside: readonly Checkpoint[];
  #frontier = new MerkleFrontier();
  #nextSeal = 0;
  #compared = 0;
  #archived = 0;
  #unsealed = 0;
  #newest: string | null = null;
  /** The first leaf that no checkpoint from elsewhere has vouched for yet. */
  #unproved: { readonly stream: string; readonly index: number } | null = null;

  constructor(check: AuditLogCheck) {
    this.#check = check;
    this.#reader = new ChainReader(check.store.seals);
    this.#nodes = new NodeCheck(check.store.seals);
    this.#outside = (check.checkpoints ?? [])
      .map((note) => {
        const checkpoint = verifyCheckpoint(note, check.verifiers(parseCheckpoint(note).origin));
        if (checkpoint === null) throw new CountersignError('checkpoint_invalid');
        return checkpoint;
      })
      .sort((one, other) => one.size - other.size);
  }

  async run(): Promise<void> {
    const { seals } = this.#check.store;
    await this.#begin();
    if (this.#frontier.size === 0) this.#compare(0);
    for (const archive of this.#archivesInOrder()) {
      for await (const { seal, records } of archive.seals()) await this.#seal(seal, [], (range) => records(range));
    }
    for (;;) {
      const page = await seals.page(this.#nextSeal, SEAL_PAGE);
      if (page.length === 0) break;
      for (const [place, seal] of page.entries()) {
        await this.#seal(seal, page.slice(place), (range) => this.#recordsOf(range));
        this.#check.onProgress?.(this.#frontier.size - this.#archived);
      }
    }
    this.#nodeFault(await this.#nodes.finish());
    const longer = this.#outside[this.#compared];
    if (longer !== undefined) {
      throw this.#deviates(
        'truncated',
        null,
        null,
        null,
        this.#nextSeal,
        `A checkpoint covers ${longer.size} events, the seals that are there ${this.#frontier.size}.`,
      );
    }
    await this.#tails();
  }

  findings(deviation: AuditDeviation | null): AuditLogFindings {
    return {
      deviation,
      sealed: this.#frontier.size - this.#archived,
      unsealed: this.#unsealed,
      archived: this.#archived,
      checkpoint: this.#newest,
      compared: this.#compared,
    };
  }

  /** Where the log begins with what was moved out and is not given, the last seal of that stands for it. */
  async #begin(): Promise<void> {
    const { seals } = this.#check.store;
    const rows = await seals.archives();
    const given = this.#archivesInOrder();
    const first = given[0]?.firstSeal ?? Number.POSITIVE_INFINITY;
    const before = rows.filter((row) => row.seal < first).at(-1);
    const covered = (before === undefined ? -1 : before.seal) + 1;
    const end = given.reduce(
      (next, archive) => (archive.firstSeal === next ? archive.lastSeal + 1 : Number.NaN),
      covered,
    );
    const last = rows.at(-1);
    if (end !== (last === undefined ? 0 : last.seal + 1)) throw new CountersignError('audit_archive_invalid');
    if (before === undefined) return;
    const [seal] = await seals.page(before.seal, 1);
    if (seal?.number !== before.seal)
      throw this.#deviates('deleted', null, null, null, before.seal, 'The last seal of what was moved out is missing.');
    const signed = this.#signed(seal);
    const frontier = frontierOf(seal);
    if (frontier === null || signed.size !== seal.size || !equal(frontier.root(), signed.root))
      throw this.#deviates(
        'edited',
        null,
        null,
        null,
        seal.number,
        'The last seal of what was moved out is not what was signed.',
      );
    this.#frontier = frontier;
    this.#nextSeal = seal.number + 1;
    this.#archived = seal.size;
    this.#newest = seal.checkpoint;
    for (const [stream, [next, head]] of Object.entries(JSON.parse(before.heads) as Record<string, [number, string]>))
      this.#chains.set(stream, { next, head: Buffer.from(head, 'hex') });
    // What is smaller could only be compared with rows, which prove nothing: it takes the records.
    if ((this.#outside[0]?.size ?? seal.size) < seal.size) throw new CountersignError('audit_archive_invalid');
    this.#compare(seal.number);
  }

  #archivesInOrder(): readonly ArchivedLog[] {
    return [...(this.#check.archives ?? [])].sort((one, other) => one.firstSeal - other.firstSeal);
  }

  #recordsOf(range: SealRange): Promise<readonly ChainRecord[]> {
    return this.#reader.take(range.stream, range.until - range.from);
  }

  async #seal(
    seal: SealWithRanges,
    following: readonly SealWithRanges[],
    read: (range: SealRange) => Promise<readonly ChainRecord[]>,
  ): Promise<void> {
    const number = this.#nextSeal;
    const wrong = (kind: DeviationKind, detail: string) => this.#deviates(kind, null, null, null, number, detail);
    if (seal.number !== number) throw wrong('deleted', `Seal ${number} is missing.`);
    const signed = this.#signed(seal);
    const expected = seal.ranges.reduce((size, range) => size + range.until - range.from, this.#frontier.size);
    if (signed.size !== expected) {
      const elsewhere = following.some((other) => other.number !== number && sizeOf(other) === expected);
      const gone = signed.size > expected && seal.size === signed.size;
      throw wrong(
        elsewhere ? 'reordered' : gone ? 'deleted' : 'edited',
        'The seal and the ranges that it consists of do not fit.',
      );
    }
    let broken: AuditDeviation | null = null;
    let headOff: SealRange | null = null;
    for (const range of seal.ranges) {
      const chain = this.#chains.get(range.stream) ?? { next: 0, head: CHAIN_START };
      this.#chains.set(range.stream, chain);
      if (range.start !== this.#frontier.size || range.from !== chain.next)
        throw wrong('edited', 'A range of the seal does not follow on the one before it.');
      for (let from = range.from; from < range.until; from += CHUNK) {
        const part = { ...range, from, until: Math.min(range.until, from + CHUNK) };
        broken = await this.#follow(part, chain, await read(part), number, broken);
      }
      if (!equal(chain.head, range.head)) headOff ??= range;
    }
    const root = this.#frontier.root();
    const isSigned = equal(root, signed.root);
    if (broken !== null) throw new Deviates(isSigned ? broken : { ...broken, ...this.#spread(broken, seal) });
    if (!isSigned) {
      const [only] = seal.ranges;
      const range = headOff ?? (seal.ranges.length === 1 ? only : undefined);
      const stream = range?.stream ?? null;
      throw this.#deviates(
        'recomputed',
        stream,
        range?.from ?? null,
        range?.until ?? null,
        number,
        'The events are not those that were sealed; each follows on the one before it.',
      );
    }
    if (
      headOff !== null ||
      !equal(seal.root, root) ||
      !equal(seal.frontier, this.#frontier.bytes) ||
      seal.size !== signed.size
    )
      throw wrong('edited', 'The row of the seal is not what was signed.');
    this.#newest = seal.checkpoint;
    this.#nextSeal = number + 1;
    this.#nodeFault(await this.#nodes.advance());
  }

  /** Puts the hashes that are stored into the tree, and remembers the first record that does not follow. */
  async #follow(
    range: SealRange,
    chain: Chain,
    records: readonly ChainRecord[],
    seal: number,
    before: AuditDeviation | null,
  ): Promise<AuditDeviation | null> {
    let broken = before;
    for (let at = 0; at < range.until - range.from; at += 1) {
      const record = records[at];
      const index = range.from + at;
      const place = record === undefined ? null : indexOf(record);
      if (broken === null && (record === undefined || place !== index))
        throw this.#missing(range.stream, index, place, seal);
      if (record === undefined) break;
      if (broken === null) {
        if (!equal(this.#hasher.hash(chain.head, record.bytes), record.hash))
          broken = await this.#notFollowing(range.stream, index, chain.head, records.slice(at), seal);
        if (index === 0) this.#openings.read(record);
      }
      this.#unproved ??= { stream: range.stream, index };
      chain.head = record.hash;
      chain.next = index + 1;
      this.#frontier.append(leafHash(record.hash), this.#nodes.completed);
      if (broken === null && this.#outside[this.#compared]?.size === this.#frontier.size) this.#compare(seal);
    }
    return broken;
  }

  /** A record is not where it should be: the row has another index, or there is none. */
  #missing(stream: string, index: number, place: number | null, seal: number | null): Deviates {
    if (place !== null && place < index)
      return this.#deviates(
        'edited',
        stream,
        place,
        place + 1,
        seal,
        'There is a record of an index that was never written, or twice.',
      );
    if (place === null)
      return this.#deviates('truncated', stream, index, null, seal, 'The end of the stream is missing.');
    return this.#deviates('deleted', stream, index, place, seal, 'Records are missing.');
  }

  async #notFollowing(
    stream: string,
    index: number,
    head: Uint8Array,
    records: readonly ChainRecord[],
    seal: number | null,
  ): Promise<AuditDeviation> {
    const ahead = [...records, ...(await this.#reader.peek(stream, CHUNK))];
    const kind = movedKind(head, index, ahead) ?? 'edited';
    return { kind, stream, index, until: index + 1, seal, detail: details[kind] };
  }

  /** Where also the stored hashes are not those that were sealed, the records before it may have been changed with theirs. */
  #spread(broken: AuditDeviation, seal: SealWithRanges): Partial<AuditDeviation> {
    if (broken.kind !== 'edited') return {};
    const range = seal.ranges.find(({ stream }) => stream === broken.stream);
    return range === undefined ? {} : { index: range.from, detail: 'A record was changed, and its hash with it.' };
  }

  #compare(seal: number): void {
    for (
      let next = this.#outside[this.#compared];
      next?.size === this.#frontier.size;
      next = this.#outside[this.#compared]
    ) {
      if (!equal(next.root, this.#frontier.root())) {
        const { stream, index } = this.#unproved ?? { stream: null, index: null };
        throw this.#deviates(
          'recomputed',
          stream,
          index,
          null,
          seal,
          'Everything fits, and is not what the checkpoint from elsewhere covers.',
        );
      }
      this.#compared += 1;
      this.#unproved = null;
    }
  }

  /** Throws where no known key has signed it. */
  #signed(seal: { readonly number: number; readonly checkpoint: string }): Checkpoint {
    try {
      const { origin } = parseCheckpoint(seal.checkpoint);
      const checkpoint = verifyCheckpoint(seal.checkpoint, this.#check.verifiers(origin));
      if (checkpoint !== null) return checkpoint;
    } catch (error) {
      if (!CountersignError.is(error)) throw error;
    }
    throw this.#deviates(
      'forged-signature',
      null,
      null,
      null,
      seal.number,
      'No known key has signed the checkpoint of the seal.',
    );
  }

  #nodeFault(fault: string | null): void {
    if (fault !== null) throw this.#deviates('edited', null, null, null, this.#nextSeal - 1, fault);
  }

  /** What is behind the last seal: chains alone, and what later streams have recorded of earlier ones. */
  async #tails(): Promise<void> {
    const streams = new Set([
      ...this.#chains.keys(),
      ...(await this.#check.store.auditStreams()).map(({ stream }) => stream),
    ]);
    const { seals } = this.#check.store;
    for (const stream of streams) {
      if ((this.#chains.get(stream)?.next ?? 0) > 0) continue;
      const [opening] = await seals.chain(stream, null, 1, 1);
      if (opening !== undefined) this.#openings.read(opening);
    }
    const ends = new Map<string, number>();
    for (const stream of [...streams].sort()) ends.set(stream, await this.#tail(stream));
    const shorter = this.#openings.shorter(ends);
    if (shorter !== null)
      throw this.#deviates('truncated', shorter.stream, shorter.index, null, null, details.truncated);
  }

  /** The records of a stream behind the last seal. Returns its length. */
  async #tail(stream: string): Promise<number> {
    const chain = this.#chains.get(stream) ?? { next: 0, head: CHAIN_START };
    for (;;) {
      const records = await this.#reader.take(stream, CHUNK);
      if (records.length === 0) return chain.next;
      for (const [at, record] of records.entries()) {
        const place = indexOf(record);
        if (place !== chain.next) throw this.#missing(stream, chain.next, place, null);
        if (!equal(this.#hasher.hash(chain.head, record.bytes), record.hash))
          throw new Deviates(await this.#notFollowing(stream, place, chain.head, records.slice(at), null));
        if (!this.#openings.fits(stream, place, record.hash))
          throw this.#deviates('recomputed', stream, 0, place + 1, null, details.recomputed);
        chain.head = record.hash;
        chain.next = place + 1;
        this.#unsealed += 1;
      }
    }
  }

  #deviates(
    kind: DeviationKind,
    stream: string | null,
    index: number | null,
    until: number | null,
    seal: number | null,
    detail: string,
  ): Deviates {
    return new Deviates({ kind, stream, index, until, seal, detail });
  }
}

const details: Readonly<Record<DeviationKind, string>> = {
  edited: 'The record is not the one whose hash it has.',
  deleted: 'A record is missing, and those behind it were moved up.',
  reordered: 'The record that belongs here is elsewhere in the stream.',
  truncated: 'The end of the stream is missing.',
  recomputed: 'The stream is not the one that a later stream has recorded.',
  'forged-signature': 'No known key has signed it.',
};

function frontierOf(seal: SealWithRanges): MerkleFrontier | null {
  try {
    return MerkleFrontier.from(seal.size, seal.frontier);
  } catch {
    return null;
  }
}

function sizeOf(seal: SealWithRanges): number | null {
  try {
    return parseCheckpoint(seal.checkpoint).size;
  } catch {
    return null;
  }
}

const equal = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;
