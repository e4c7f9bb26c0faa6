import { createHash } from 'node:crypto';
import { parse } from 'node:querystring';
import { inspect } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import { type Operation, operationDigest } from '../../src/operation/operation-digest.ts';

const digestOf = (content: unknown, changes: Partial<Operation> = {}) =>
  operationDigest({ name: 'POST /orders?draft=1', contentType: 'application/json', content, ...changes });
const same = (one: unknown, other: unknown, changes: Partial<Operation> = {}) =>
  digestOf(one, changes) === digestOf(other, changes);

t.test('golden: SHA-256 over name, content type and canonical content', async (t) => {
  const canonical = '{"amount":5,"lines":["a\\nb",null,true],"to":{"iban":"DE1"}}';
  const expected = createHash('sha256')
    .update(JSON.stringify(['countersign operation 1', 'POST /orders?draft=1', 'application/json', canonical]))
    .digest('base64url');
  t.equal(digestOf({ to: { iban: 'DE1' }, amount: 5, lines: ['a\r\nb', null, true] }), expected);
});

t.test('a signed operation: its digest covers what was shown, unambiguously', async (t) => {
  const lines = (...given: [string, string][]) => given.map(([label, value]) => ({ label, value }));
  const summaries = [
    null,
    { title: 'Order', lines: [] },
    { title: 'Order', lines: lines(['', '']) },
    { title: 'Order', lines: lines(['a', 'b']) },
    { title: 'Order', lines: lines(['ab', '']) },
    { title: 'Order', lines: lines(['a', ''], ['b', '']) },
    { title: 'Order', lines: lines(['b', ''], ['a', '']) },
    { title: 'Order","a', lines: lines(['b', '']) },
    { title: 'Order a', lines: lines(['b', '']) },
  ];
  const digests = summaries.map((summary) => digestOf({ a: 1 }, { summary }));
  t.equal(new Set(digests).size, summaries.length);
  t.equal(digests[0], digestOf({ a: 1 }), 'none: as it ever was');
  const canonical = [
    'countersign operation 1',
    'POST /orders?draft=1',
    'application/json',
    '{"a":1}',
    ['T', [['l', 'v']]],
  ];
  t.equal(
    digestOf({ a: 1 }, { summary: { title: 'T', lines: lines(['l', 'v']) } }),
    createHash('sha256').update(JSON.stringify(canonical)).digest('base64url'),
    'golden',
  );
});

t.test('Threat 26: the same content passes, however it was written', async (t) => {
  t.ok(same({ a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }), 'fields in another order, nested as well');
  t.ok(same({ note: 'one\r\ntwo\rthree' }, { note: 'one\ntwo\nthree' }), 'line ends of forms and of JSON');
  t.ok(same({ a: 1, b: undefined }, { a: 1 }), 'a field that is undefined is not there');
  t.ok(
    same({ a: 1, _csrf: 'one' }, { a: 1, _csrf: 'two' }, { leftOut: ['_csrf'] }),
    'the declared field that changes with every rendering',
  );
  t.ok(same({ a: 1 }, { a: 1, _csrf: 'two' }, { leftOut: ['_csrf'] }));
  t.ok(same(Object.assign(Object.create(null), { a: 1 }), { a: 1 }), 'parsers make objects without a prototype');
  t.ok(same(Buffer.from('pdf'), new Uint8Array(Buffer.from('pdf'))), 'bytes are bytes');
  t.ok(same(parse('a=1&b=2'), { a: '1', b: '2' }), 'the parser of Node has an empty prototype of its own');
  t.ok(same(undefined, undefined) && same(null, null));
});

t.test('Threat 26: other content never passes', async (t) => {
  const different: readonly unknown[] = [
    undefined,
    null,
    {},
    [],
    '',
    'u',
    'null',
    '{}',
    0,
    1,
    -1,
    1.5,
    '1',
    true,
    'true',
    false,
    1n,
    '1n',
    [1],
    ['1'],
    [[1]],
    [1, 2],
    [2, 1],
    [null],
    [undefined],
    [undefined, undefined],
    { a: 1 },
    { a: '1' },
    { a: 1n },
    { a: null },
    { a: [] },
    { a: {} },
    { a: '' },
    { A: 1 },
    { 'a ': 1 },
    { a: 1, b: 2 },
    { b: 1, a: 2 },
    { a: { b: 1 } },
    { 'a.b': 1 },
    { a: 'x\ny' },
    { a: 'x y' },
    { a: 'x\n\ny' },
    { a: 'é' },
    { a: 'e\u0301' },
    { a: '\ud800' },
    { a: '\ufffd' },
    { a: '\u0000' },
    { '{"a":1}': 1 },
    { 'a":1,"b': 2 },
    JSON.parse('{"__proto__":1}'),
    JSON.parse('{"__proto__":2}'),
    { constructor: 1 },
    new Date(0),
    new Date(1),
    'd0',
    new Uint8Array([1]),
    new Uint8Array([2]),
    new Uint8Array(0),
    'b',
    new Array(3),
    9007199254740993n,
    9007199254740992,
  ];
  const digests = new Set<string>();
  for (const content of different) {
    const digest = digestOf(content);
    t.notOk(digests.has(digest), inspect(content));
    digests.add(digest);
  }
  t.notOk(same({ a: { _csrf: 1 } }, { a: { _csrf: 2 } }, { leftOut: ['_csrf'] }), 'left out at the top only');
  t.notOk(same([{ _csrf: 1 }], [{ _csrf: 2 }], { leftOut: ['_csrf'] }));
  t.notOk(same({ a: 1, _csrf: 'one' }, { a: 1, _csrf: 'two' }), 'and only where declared');
});

t.test('Threat 26: the same body to another URL, by another method, as another type', async (t) => {
  const content = { amount: 5 };
  const names = [
    'POST /orders',
    'PUT /orders',
    'POST /orders/',
    'POST /orders?x=1',
    'POST /Orders',
    'POST /orders\n',
    '',
  ];
  const types = [undefined, null, '', 'application/json', 'application/x-www-form-urlencoded'];
  const digests = names.flatMap((name) =>
    types.map((contentType) =>
      operationDigest({ name, content, ...(contentType === undefined ? {} : { contentType }) }),
    ),
  );
  t.equal(
    new Set(digests).size,
    names.length * (types.length - 1),
    'none and null are the same type, and all else differs',
  );
  t.not(
    operationDigest({ name: 'a', contentType: 'b', content: 'c' }),
    operationDigest({ name: 'a","b', content: 'c' }),
  );
});

t.test('content that has no canonical form is refused with a cure, never treated as empty', async (t) => {
  class Money {
    readonly amount = 5;
  }
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  const deep = (levels: number) => {
    let value: unknown = 'end';
    for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { value };
    return value;
  };
  const unreadable: Readonly<Record<string, unknown>> = {
    function: () => 1,
    symbol: Symbol('x'),
    map: new Map([['a', 1]]),
    set: new Set([1]),
    instance: new Money(),
    inherited: Object.create({ amount: 5 }),
    promise: Promise.resolve(1),
    stream: new ReadableStream(),
    regexp: /x/,
    cyclic,
    deep: deep(66),
    NaN: Number.NaN,
    infinity: Number.POSITIVE_INFINITY,
    buffer: new ArrayBuffer(4),
    floats: new Float64Array(2),
    error: new Error('x'),
    url: new URL('https://a'),
    form: new FormData(),
  };
  for (const [what, content] of Object.entries(unreadable)) {
    for (const wrapped of [content, { content }, [content]]) {
      t.throws(
        () => digestOf(wrapped),
        { code: 'body_unreadable', status: 415, details: { cure: /options\.content/ } },
        what,
      );
    }
  }
  t.doesNotThrow(() => digestOf(deep(64)));
  t.doesNotThrow(
    () => digestOf({ ignored: () => 1 }, { leftOut: ['ignored'] }),
    'what is left out need not be readable',
  );
});

/** JSON with its fields in another order, all the way down. */
function shuffled(value: unknown, random: () => number): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, random));
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([name, field]) => ({ name, field: shuffled(field, random), at: random() }));
  const made: Record<string, unknown> = Object.create(null);
  for (const { name, field } of fields.sort((one, other) => one.at - other.at)) made[name] = field;
  return made;
}

/** Equality as JSON sees it, whatever the order of fields. */
const sorted = (value: unknown): string =>
  JSON.stringify(value, (_, part) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(
          Object.entries(part)
            .map(([name, field]) => [`.${name}`, field] as const)
            .sort(([one], [other]) => (one < other ? -1 : 1)),
        )
      : part,
  );

t.test('property: equal content has an equal digest, in whatever order its fields come', async (t) => {
  const property = fc.property(
    fc.jsonValue({ maxDepth: 4 }),
    fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
    (content, numbers) =>
      same(
        content,
        shuffled(content, () => numbers.next().value ?? 0),
      ),
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }));
});

t.test('property: different content has a different digest', async (t) => {
  const small = fc.jsonValue({
    maxDepth: 2,
    stringUnit: fc.constantFrom('a', 'b', '"', ',', '\\', ':', '{', '\u00e9'),
  });
  const property = fc.property(small, small, (one, other) => same(one, other) === (sorted(one) === sorted(other)));
  t.doesNotThrow(() => fc.assert(property, { numRuns: 3000 }));
  const changed = fc.property(
    fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 1 }), { minKeys: 1 }),
    fc.nat(),
    fc.jsonValue({ maxDepth: 1 }),
    (content, which, value) => {
      const names = Object.keys(content);
      const name = names[which % names.length] ?? '';
      const other = { ...content, [name]: value };
      return same(content, other) === (sorted(content) === sorted(other));
    },
  );
  t.doesNotThrow(() => fc.assert(changed, { numRuns: 1000 }), 'a single field changed');
});
