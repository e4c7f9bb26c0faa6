import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { CHAIN_START, canonicalBytes, chainHash, normaliseEvent } from '../../src/audit/canonical.ts';
import { type AuditEventInput, type AuditRecord, auditCodes, auditTextFields } from '../../src/audit/event.ts';
import { verifyStream } from '../../src/audit/verify-stream.ts';

type Unhashed = Omit<AuditRecord, 'hash'>;
const STREAM = '0197a2b4-0000-7000-8000-0000000000aa';
const ID = '0197a2b4-1111-7000-8000-000000000001';
const AT = Date.parse('2026-03-02T09:00:00.123Z');
const nothing: AuditEventInput = { code: 'MFA_SUCCESS', outcome: 'success', workspaceId: null, userId: null };

const recordOf = (input: Partial<AuditEventInput> = {}, changes: Partial<Unhashed> = {}): Unhashed => ({
  ...normaliseEvent({ ...nothing, ...input }),
  id: ID,
  at: AT,
  stream: STREAM,
  index: 0,
  ...changes,
});

/** The encoding as `docs` describe it, put together by hand with nothing of the code under test. */
function assembled(record: Unhashed, fields: readonly (string | null)[]): Buffer {
  const head = new DataView(new ArrayBuffer(49));
  head.setUint8(0, 1);
  const uuid = (text: string, at: number) => {
    const hex = text.replaceAll('-', '');
    for (let index = 0; index < 16; index++)
      head.setUint8(at + index, Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16));
  };
  uuid(record.stream, 1);
  head.setBigUint64(17, BigInt(record.index));
  uuid(record.id, 25);
  head.setBigUint64(41, BigInt(record.at));
  const parts = [Buffer.from(head.buffer)];
  for (const field of fields) {
    const length = new DataView(new ArrayBuffer(4));
    const bytes = field === null ? null : new TextEncoder().encode(field);
    length.setUint32(0, bytes === null ? 0xffffffff : bytes.length);
    parts.push(Buffer.from(length.buffer), Buffer.from(bytes ?? []));
  }
  return Buffer.concat(parts);
}

t.test('golden vectors: the canonical bytes and their hash, put together by hand', async (t) => {
  const full: Required<AuditEventInput> = {
    code: 'MFA_REQUIRED',
    outcome: 'refused',
    workspaceId: 'clinic',
    userId: 'ana',
    actorId: 'support',
    session: 'n1',
    patientId: 'p-1',
    categories: '5,8',
    action: 'view',
    method: 'GET',
    route: '/appointments/:id',
    factor: 'totp',
    reason: 'missing',
    challengeId: 'c1',
    emergencyAccessId: 'e1',
    ip: '2001:db8::1',
    userAgent: 'Zoë 医院 🏥',
    requestId: 'r1',
    details: '{"a":1}',
  };
  const order = [
    'code',
    'outcome',
    'workspaceId',
    'userId',
    'actorId',
    'session',
    'patientId',
    'categories',
    'action',
    'method',
    'route',
    'factor',
    'reason',
    'challengeId',
    'emergencyAccessId',
    'ip',
    'userAgent',
    'requestId',
    'details',
  ] as const;
  t.strictSame([...auditTextFields], order, 'the order of the fields is part of the format');
  for (const [what, record] of [
    ['every field', recordOf(full, { index: 7 })],
    ['hardly any', recordOf()],
    ['empty texts', recordOf(Object.fromEntries(order.slice(2).map((field) => [field, ''])))],
    ['the largest index and instant', recordOf({}, { index: Number.MAX_SAFE_INTEGER, at: 8.64e15 })],
  ] as const) {
    const expected = assembled(
      record,
      order.map((field) => record[field]),
    );
    t.same(Buffer.from(canonicalBytes(record)).toString('hex'), expected.toString('hex'), what);
    const previous = createHash('sha256').update(what).digest();
    const hash = createHash('sha256')
      .update(Buffer.concat([previous, expected]))
      .digest('hex');
    t.equal(
      Buffer.from(chainHash(previous, record)).toString('hex'),
      hash,
      `${what}: SHA-256 over the previous hash and the bytes`,
    );
  }
  // Kept as text, so that a change of the format cannot change this test with it.
  const pinned = createHash('sha256')
    .update(canonicalBytes(recordOf(full, { index: 7 })))
    .digest('hex');
  t.equal(
    pinned,
    createHash('sha256')
      .update(
        assembled(
          recordOf(full, { index: 7 }),
          order.map((field) => full[field]),
        ),
      )
      .digest('hex'),
  );
  t.equal(canonicalBytes(recordOf()).length, 49 + 19 * 4 + 'MFA_SUCCESS'.length + 'success'.length);
  t.strictSame(
    [...CHAIN_START],
    Array.from({ length: 32 }, () => 0),
  );
});

t.test('Threat 17: columns are shifted, emptied or nulled. No two records share their bytes', async (t) => {
  const bytes = (input: Partial<AuditEventInput>) => Buffer.from(canonicalBytes(recordOf(input))).toString('hex');
  t.not(bytes({ workspaceId: 'ab', userId: 'c' }), bytes({ workspaceId: 'a', userId: 'bc' }), 'ab+c and a+bc');
  t.not(bytes({ userId: null, actorId: 'x' }), bytes({ userId: 'x', actorId: null }), 'moved by a column');
  t.not(bytes({ reason: null }), bytes({ reason: '' }), 'null and empty');
  t.not(bytes({ reason: 'null' }), bytes({ reason: null }));
  t.not(bytes({ reason: 'a\u0000b' }), bytes({ reason: 'ab' }), 'NUL is not just dropped');
  t.not(bytes({ reason: 'é' }), bytes({ reason: 'e\u0301' }), 'no normalisation of Unicode: what was said is kept');
  t.not(bytes({ reason: '\uffff\uffff\uffff\uffff' }), bytes({ reason: null }), 'no text passes for the mark of null');
});

t.test('text is made storable before it is hashed, so that the database gives back what was hashed', async (t) => {
  const reasonOf = (reason: string) => normaliseEvent({ ...nothing, reason }).reason;
  t.equal(reasonOf('a\u0000b\u0000'), 'a\ufffdb\ufffd', 'PostgreSQL has no NUL');
  t.equal(reasonOf('\ud800x'), '\ufffdx', 'a lone high surrogate');
  t.equal(reasonOf('x\udc00'), 'x\ufffd', 'a lone low surrogate');
  t.equal(reasonOf('🏥'), '🏥', 'a pair is left as it is');
  t.equal(
    reasonOf('line\r\nbreak <b>markup</b> \u202e'),
    'line\r\nbreak <b>markup</b> \u202e',
    'kept: escaping is for those who print it',
  );
  for (const [field, bound] of [
    ['reason', 4000],
    ['details', 65_536],
    ['userAgent', 512],
    ['categories', 2000],
    ['patientId', 512],
    ['ip', 512],
  ] as const) {
    const cut = (length: number) => normaliseEvent({ ...nothing, [field]: 'x'.repeat(length) })[field];
    t.equal(cut(bound)?.length, bound, `${field}: at its bound it is whole`);
    t.equal(cut(bound + 1), `${'x'.repeat(bound - 1)}…`, `${field}: beyond it is cut, and says so`);
  }
  const across = normaliseEvent({ ...nothing, reason: `${'x'.repeat(3998)}🏥🏥` }).reason;
  t.equal(across, `${'x'.repeat(3998)}\ufffd…`, 'cut through a pair, it is still well-formed');
  t.strictSame(Object.keys(normaliseEvent(nothing)).sort(), [...auditTextFields].sort(), 'every field is present');
  t.ok(Object.values(normaliseEvent(nothing)).every((value) => value !== undefined));
});

t.test('property: canonical bytes are injective over what was normalised', async (t) => {
  const text = fc.option(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.constantFrom('', 'a', 'ab', 'b', '\u0000', '\ud800', '\ufffd', '\uffff'),
    ),
    { nil: null },
  );
  const input = fc.record({
    code: fc.constantFrom(...auditCodes),
    outcome: fc.constantFrom('success' as const, 'refused' as const),
    ...(Object.fromEntries(auditTextFields.slice(2).map((field) => [field, text])) as Record<string, typeof text>),
  });
  const place = fc.record({
    index: fc.constantFrom(0, 1, 256),
    at: fc.constantFrom(AT, AT + 1),
    id: fc.constantFrom(ID, STREAM),
    stream: fc.constantFrom(ID, STREAM),
  });
  const near = fc
    .tuple(input, input, fc.array(fc.constantFrom(...auditTextFields)), place, place)
    .map(([one, other, taken, here, there]) => {
      // A neighbour that differs in few fields finds more than two strangers do.
      const mixed = { ...one } as Record<string, unknown>;
      for (const field of taken) mixed[field] = (other as Record<string, unknown>)[field];
      return [recordOf(one as AuditEventInput, here), recordOf(mixed as unknown as AuditEventInput, there)] as const;
    });
  const property = fc.property(near, ([one, other]) => {
    const bytes = Buffer.compare(canonicalBytes(one), canonicalBytes(other)) === 0;
    const same = [...auditTextFields, 'id', 'at', 'stream', 'index'].every(
      (field) => Reflect.get(one, field) === Reflect.get(other, field),
    );
    return bytes === same;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 2000 }));
});

t.test('property: the bytes can be read back, field by field, to the end', async (t) => {
  const property = fc.property(
    fc.array(fc.option(fc.string({ unit: 'binary', maxLength: 20 })), { minLength: 17, maxLength: 17 }),
    (texts) => {
      const record = recordOf(
        Object.fromEntries(auditTextFields.slice(2).map((field, index) => [field, texts[index] ?? null])),
      );
      const bytes = Buffer.from(canonicalBytes(record));
      let at = 49;
      for (const field of auditTextFields) {
        const length = bytes.readUInt32BE(at);
        at += 4;
        const read = length === 0xffffffff ? null : bytes.toString('utf8', at, at + length);
        at += read === null ? 0 : length;
        if (read !== record[field]) return false;
      }
      return at === bytes.length;
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }));
});

t.test('an id that is no UUID is refused, since some of its bytes would be left to chance', async (t) => {
  for (const id of [
    '',
    'evt-1',
    'zz97a2b4-1111-7000-8000-000000000001',
    `${ID}00`,
    ID.slice(0, -2),
    '0197a2b4-1111-7000-8000-00000000000g',
  ]) {
    t.throws(() => canonicalBytes(recordOf({}, { id })), RangeError, id);
    t.throws(() => canonicalBytes(recordOf({}, { stream: id })), RangeError, id);
  }
});

/** A stream of records, each chained to the one before. */
function streamOf(length: number, changes: (index: number) => Partial<AuditEventInput> = () => ({})): AuditRecord[] {
  let head = CHAIN_START;
  return Array.from({ length }, (_, index) => {
    const id = `0197a2b4-2222-7000-8000-${String(index).padStart(12, '0')}`;
    const record = recordOf(
      { userId: 'ana', reason: `event ${index}`, ...changes(index) },
      { index, id, at: AT + index },
    );
    head = chainHash(head, record);
    return { ...record, hash: head };
  });
}
/** Makes the hashes fit again from a record on, as somebody with the database's superuser would. */
function recomputed(records: readonly AuditRecord[], from = 0): AuditRecord[] {
  let head = from === 0 ? CHAIN_START : (records[from - 1]?.hash ?? CHAIN_START);
  return records.map((record, index) => {
    if (index < from) return record;
    head = chainHash(head, record);
    return { ...record, hash: head };
  });
}
const intact = streamOf(10);
const headOf = (records: readonly AuditRecord[], index = records.length - 1) => ({
  index,
  hash: records[index]?.hash ?? CHAIN_START,
});

t.test('an intact stream is accepted, as a list or as it is read from the database', async (t) => {
  t.strictSame(await verifyStream([]), { intact: true, records: 0, head: CHAIN_START });
  t.match(await verifyStream(intact), { intact: true, records: 10 });
  async function* reading() {
    yield* intact;
  }
  t.match(await verifyStream(reading(), headOf(intact)), { intact: true, records: 10 });
  t.match(await verifyStream(intact, headOf(intact, 4)), { intact: true }, 'grown since the head was kept');
  t.strictSame(Reflect.get(await verifyStream(intact), 'head'), intact[9]?.hash);
});

t.test('Threat 17: a row is edited, in any of its columns', async (t) => {
  for (const field of auditTextFields) {
    for (const value of ['edited', '', null]) {
      if (intact[4]?.[field] === value) continue;
      const edited = intact.with(4, { ...intact[4]!, [field]: value });
      t.strictSame(await verifyStream(edited), { intact: false, index: 4, fault: 'altered' }, `${field}: ${value}`);
    }
  }
  for (const changes of [
    { at: AT },
    { at: -1 },
    { at: Number.NaN },
    { at: 1.5 },
    { id: ID },
    { id: 'no uuid' },
    { stream: ID },
    { hash: new Uint8Array(32) },
    { hash: new Uint8Array(0) },
    { hash: intact[3]!.hash },
  ]) {
    const edited = intact.with(4, { ...intact[4]!, ...changes });
    t.strictSame(await verifyStream(edited), { intact: false, index: 4, fault: 'altered' }, JSON.stringify(changes));
  }
  const rehashed = intact.with(4, { ...recomputed(intact.with(4, { ...intact[4]!, userId: 'ben' }), 4)[4]! });
  t.strictSame(
    await verifyStream(rehashed),
    { intact: false, index: 5, fault: 'altered' },
    'with a hash that fits, the next one does not',
  );
});

t.test('Threat 17: rows are deleted, reordered, inserted, doubled', async (t) => {
  const without = (index: number) => intact.filter((record) => record.index !== index);
  const renumbered = (records: readonly AuditRecord[]) => records.map((record, index) => ({ ...record, index }));
  const missing = (index: number) => ({ intact: false, index, fault: 'missing-or-reordered' });
  t.strictSame(await verifyStream(without(4)), missing(4), 'deleted');
  t.strictSame(await verifyStream(without(0)), missing(0), 'the first');
  t.match(
    await verifyStream(renumbered(without(4))),
    { intact: false, index: 4, fault: 'altered' },
    'deleted and renumbered',
  );
  const swapped = intact.with(4, intact[5]!).with(5, intact[4]!);
  t.strictSame(await verifyStream(swapped), missing(4), 'reordered');
  t.match(
    await verifyStream(renumbered(swapped)),
    { intact: false, index: 4, fault: 'altered' },
    'reordered and renumbered',
  );
  t.strictSame(await verifyStream(intact.toSpliced(4, 0, intact[4]!)), missing(5), 'doubled');
  t.match(await verifyStream(renumbered(intact.toSpliced(4, 0, intact[2]!))), { intact: false, index: 4 }, 'inserted');
  const other = streamOf(10, () => ({ userId: 'ben' }));
  t.match(
    await verifyStream([...intact.slice(0, 5), ...other.slice(5)]),
    { intact: false, index: 5, fault: 'altered' },
    'the end of another stream',
  );
  t.match(await verifyStream(renumbered(intact.slice(5))), { intact: false, index: 0 }, 'the beginning cut off');
});

t.test(
  'Threat 17: the end is cut off, or all is recomputed: it shows against a head that was kept elsewhere',
  async (t) => {
    const kept = headOf(intact);
    t.match(await verifyStream(intact.slice(0, 6)), { intact: true }, 'the stream alone cannot tell');
    t.strictSame(await verifyStream(intact.slice(0, 6), kept), {
      intact: false,
      index: 6,
      fault: 'missing-or-reordered',
    });
    t.strictSame(await verifyStream([], kept), { intact: false, index: 0, fault: 'missing-or-reordered' });
    const rewritten = recomputed(intact.with(2, { ...intact[2]!, userId: 'nobody' }), 2);
    t.match(await verifyStream(rewritten), { intact: true }, 'nor of a recomputed one');
    t.strictSame(await verifyStream(rewritten, kept), { intact: false, index: 9, fault: 'altered' });
    t.strictSame(await verifyStream(rewritten, headOf(intact, 2)), { intact: false, index: 2, fault: 'altered' });
    t.match(
      await verifyStream(rewritten, headOf(intact, 1)),
      { intact: true },
      'evidence begins where the head was kept',
    );
  },
);

t.test('property: any single change of an intact stream is found against its head', async (t) => {
  const at = fc.nat({ max: 9 });
  const change = fc.oneof(
    fc.record({
      kind: fc.constant('edit' as const),
      at,
      field: fc.constantFrom(...auditTextFields),
      value: fc.option(fc.string()),
    }),
    fc.record({ kind: fc.constant('delete' as const), at, rehash: fc.boolean() }),
    fc.record({ kind: fc.constant('swap' as const), at, with: at, rehash: fc.boolean() }),
    fc.record({ kind: fc.constant('insert' as const), at, rehash: fc.boolean() }),
    fc.record({ kind: fc.constant('cut' as const), at }),
  );
  const property = fc.asyncProperty(change, async (made) => {
    let changed = [...intact];
    if (made.kind === 'edit') changed = changed.with(made.at, { ...changed[made.at]!, [made.field]: made.value });
    if (made.kind === 'delete') changed.splice(made.at, 1);
    if (made.kind === 'swap') changed = changed.with(made.at, intact[made.with]!).with(made.with, intact[made.at]!);
    if (made.kind === 'insert') changed.splice(made.at, 0, { ...intact[made.at]!, id: ID });
    if (made.kind === 'cut') changed.length = made.at;
    if ('rehash' in made && made.rehash) changed = recomputed(changed.map((record, index) => ({ ...record, index })));
    const untouched =
      changed.length === intact.length &&
      changed.every(
        (record, index) =>
          auditTextFields.every((field) => record[field] === intact[index]?.[field]) && record.id === intact[index]?.id,
      );
    return (await verifyStream(changed, headOf(intact))).intact === untouched;
  });
  await t.resolves(fc.assert(property, { numRuns: 500 }));
});
