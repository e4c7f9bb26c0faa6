// The tree and its proofs against what others have published: RFC 9162, the test vectors of Certificate Transparency, the signed
// note of Go's checksum database. And properties: what is proved holds, and nothing else is proved.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import {
  checkpointText,
  NoteSigner,
  NoteVerifier,
  parseCheckpoint,
  parseNote,
  verifyCheckpoint,
} from '../../src/audit/checkpoint.ts';
import { EMPTY_ROOT, leafHash, MerkleFrontier, nodeHash } from '../../src/audit/merkle.ts';
import {
  consistencySubtrees,
  inclusionSubtrees,
  verifyConsistency,
  verifyInclusion,
} from '../../src/audit/merkle-proof.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));

/** The leaves of Certificate Transparency's tests, and the roots over the first one, two, … of them. */
const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(
  bytes,
);
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const [B, C, D, E, F] = [
  '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
  '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
  '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
  'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
  'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
];

/** MTH as RFC 9162 §2.1.1 defines it, word by word. */
function mth(leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves;
  if (only === undefined) return createHash('sha256').digest();
  if (leaves.length === 1) return createHash('sha256').update(Uint8Array.of(0)).update(only).digest();
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return createHash('sha256')
    .update(Uint8Array.of(1))
    .update(mth(leaves.slice(0, k)))
    .update(mth(leaves.slice(k)))
    .digest();
}

const hashesOf = (leaves: readonly Uint8Array[], subtrees: readonly (readonly [number, number])[]) =>
  subtrees.map(([from, until]) => mth(leaves.slice(from, until)));

t.test('published roots and proofs', async (t) => {
  t.equal(hex(EMPTY_ROOT), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  t.equal(hex(new MerkleFrontier().root()), hex(EMPTY_ROOT));
  const frontier = new MerkleFrontier();
  for (const [index, input] of inputs.entries()) {
    frontier.append(leafHash(input));
    t.equal(hex(frontier.root()), roots[index], `${index + 1} leaves`);
  }
  const inclusion: [number, number, (string | undefined)[]][] = [
    [0, 1, []],
    [0, 8, [B, C, D]],
    [5, 8, [E, F, roots[3]]],
    [2, 3, [roots[1]]],
    [1, 5, [roots[0], C, E]],
  ];
  for (const [index, size, expected] of inclusion) {
    const hashes = hashesOf(inputs, inclusionSubtrees(index, size));
    t.strictSame(hashes.map(hex), expected, `leaf ${index} of ${size}`);
    t.ok(verifyInclusion(inputs[index] as Uint8Array, index, size, hashes, bytes(roots[size - 1] as string)));
  }
  const consistency: [number, number, (string | undefined)[]][] = [
    [1, 1, []],
    [1, 8, [B, C, D]],
    [6, 8, ['0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a', F, roots[3]]],
    [2, 5, [C, E]],
  ];
  for (const [first, second, expected] of consistency) {
    const hashes = hashesOf(inputs, consistencySubtrees(first, second));
    t.strictSame(hashes.map(hex), expected, `${first} in ${second}`);
    const at = (size: number) => ({ size, root: bytes(roots[size - 1] as string) });
    t.ok(verifyConsistency(at(first), at(second), hashes));
  }
});

const trees = fc
  .tuple(fc.integer({ min: 1, max: 140 }), fc.nat(), fc.nat())
  .map(([size, one, two]) => ({ size, index: one % size, other: two % (size + 1) }));
const leavesOf = (size: number) => Array.from({ length: size }, (_, n) => Buffer.from(`leaf ${n}`));

t.test('every leaf is proved at its place and at no other, and nothing else is', async () => {
  fc.assert(
    fc.property(trees, fc.nat(), ({ size, index, other }, at) => {
      const leaves = leavesOf(size);
      const leaf = leaves[index] as Uint8Array;
      const root = mth(leaves);
      const hashes = hashesOf(leaves, inclusionSubtrees(index, size));
      const altered = hashes.map((hash, place) => (place === at % hashes.length ? nodeHash(hash, hash) : hash));
      return (
        verifyInclusion(leaf, index, size, hashes, root) &&
        (other === index || !verifyInclusion(leaf, other, size, hashes, root)) &&
        !verifyInclusion(Buffer.from('another'), index, size, hashes, root) &&
        !verifyInclusion(leaf, index, size, [...hashes, root], root) &&
        (hashes.length === 0 || !verifyInclusion(leaf, index, size, hashes.slice(1), root)) &&
        (hashes.length === 0 || !verifyInclusion(leaf, index, size, altered, root))
      );
    }),
  );
});

t.test('a tree begins with each smaller one, and with no other', async () => {
  fc.assert(
    fc.property(trees, fc.nat(), ({ size, other: first }, at) => {
      const leaves = leavesOf(size);
      const one = { size: first, root: mth(leaves.slice(0, first)) };
      const two = { size, root: mth(leaves) };
      const hashes = hashesOf(leaves, consistencySubtrees(first, size));
      const rewritten = { size: first, root: mth([Buffer.from('rewritten'), ...leaves.slice(1, first)]) };
      const altered = hashes.map((hash, place) => (place === at % hashes.length ? nodeHash(hash, hash) : hash));
      return (
        verifyConsistency(one, two, hashes) &&
        (first === 0 || !verifyConsistency(rewritten, two, hashes)) &&
        !verifyConsistency(one, two, [...hashes, two.root]) &&
        (hashes.length === 0 || !verifyConsistency(one, two, altered)) &&
        (first === size || !verifyConsistency(two, one, hashes))
      );
    }),
  );
});

t.test('a frontier goes on from its bytes, and tells of perfect subtrees', async (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 300 }), (before, more) => {
      const leaves = leavesOf(before + more);
      const first = new MerkleFrontier();
      const told: boolean[] = [];
      const tell = (level: number, index: number, hash: Uint8Array) => {
        const part = leaves.slice(index * 2 ** level, (index + 1) * 2 ** level);
        told.push(part.length === 2 ** level && hex(mth(part)) === hex(hash));
      };
      for (const leaf of leaves.slice(0, before)) first.append(leafHash(leaf), tell);
      const second = MerkleFrontier.from(before, first.bytes);
      for (const leaf of leaves.slice(before)) second.append(leafHash(leaf), tell);
      const nodes = leaves.length - second.hashes.length;
      return hex(second.root()) === hex(mth(leaves)) && told.every(Boolean) && told.length === nodes;
    }),
    { numRuns: 25 },
  );
  t.throws(() => MerkleFrontier.from(3, new Uint8Array(32)), RangeError);
  t.throws(() => MerkleFrontier.from(1, new Uint8Array(31)), RangeError);
});

t.test('a signed note that others have published', async (t) => {
  const vkey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
  const seed = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1);
  const text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
  const note = `${text}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;
  const signer = new NoteSigner('PeterNeumann', seed);
  t.equal(signer.verifier.vkey, vkey);
  t.equal(NoteVerifier.parse(vkey).vkey, vkey);
  t.equal(signer.sign(text), note);
  const [signature] = parseNote(note).signatures;
  t.ok(NoteVerifier.parse(vkey).verify(text, signature?.signature ?? new Uint8Array()));
  t.throws(() => NoteVerifier.parse(vkey.replace('c74f20a3', 'c74f20a4')), { code: 'checkpoint_key_invalid' });
  t.throws(() => new NoteSigner('with space', seed), { code: 'checkpoint_key_invalid' });
  t.throws(() => new NoteSigner('a', 'swordfish'), { code: 'checkpoint_key_invalid' });
});

t.test('a checkpoint: read as it was written, refused where anything is off', async (t) => {
  const signer = new NoteSigner('ehr.example.org', new Uint8Array(32).fill(7));
  const other = new NoteSigner('ehr.example.org', new Uint8Array(32).fill(8));
  const checkpoint = { origin: 'ehr.example.org', size: 8, root: bytes(roots[7] as string), extensions: ['more'] };
  const note = signer.sign(checkpointText(checkpoint));
  t.same(parseCheckpoint(note), checkpoint);
  t.same(verifyCheckpoint(note, [other.verifier, signer.verifier]), checkpoint);
  t.equal(verifyCheckpoint(note, [other.verifier]), null, 'signed by nobody who is known');
  const [, ours = ''] = note.split('\n\n');
  const [, theirs = ''] = other.sign(checkpointText(checkpoint)).split('\n\n');
  const text = checkpointText(checkpoint);
  t.same(
    verifyCheckpoint(`${text}\n${theirs}${ours}`, [signer.verifier]),
    checkpoint,
    'an unknown signature is passed over',
  );
  t.equal(verifyCheckpoint(note.replace('\n8\n', '\n9\n'), [signer.verifier]), null);
  const elsewhere = new NoteSigner('other.example.org', new Uint8Array(32).fill(7));
  t.equal(verifyCheckpoint(elsewhere.sign(text), [elsewhere.verifier]), null, 'signed under another name');
  for (const [what, wrong] of [
    ['no signature', text],
    ['no end', note.slice(0, -1)],
    ['a size of another form', signer.sign(checkpointText(checkpoint).replace('\n8\n', '\n08\n'))],
    ['a short root', signer.sign('ehr.example.org\n8\nAAAA\n')],
    ['no root', signer.sign('ehr.example.org\n8\n')],
    ['no name', signer.sign(checkpointText({ ...checkpoint, origin: '' }))],
    ['a signature of nothing', `${text}\n— ehr.example.org AAAA\n`],
    ['a control character', note.replace('more', 'mo\u0007re')],
  ] as const) {
    t.throws(() => parseCheckpoint(wrong), { code: 'checkpoint_invalid' }, what);
  }
});
