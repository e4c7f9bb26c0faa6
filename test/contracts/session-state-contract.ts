import { randomUUID } from 'node:crypto';
import { type SessionStateStore, sessionBounds } from '@countersign/core';
import t, { type Test } from 'tap';
import { EPOCHS, grantOf, NOW, TERMS, Visit } from './session-visit.ts';

export interface SessionStateBackend {
  readonly state: SessionStateStore;
  /** Another client of the same state, as another node has it; where there can be none, the same one plays its part. */
  readonly other?: SessionStateStore;
  close(): Promise<void>;
}

/**
 * What every session state store promises, sentence by sentence of `SessionStateStore`. Call it from a test file:
 * `sessionStateContract('Redis', async () => ({ state, other, close }))`.
 */
export function sessionStateContract(name: string, make: () => Promise<SessionStateBackend>): void {
  const story = (title: string, tell: (t: Test, state: SessionStateStore, other: SessionStateStore) => Promise<void>) =>
    t.test(`${name}: ${title}`, async (t) => {
      const { state, other = state, close } = await make();
      t.teardown(close);
      await tell(t, state, other);
    });

  story('a session is unknown until it is begun, and then empty', async (t, state) => {
    const visit = new Visit(state);
    t.equal(await visit.read(), null);
    await visit.begin();
    const reading = await visit.read();
    t.match(reading, { number: visit.number, epochs: EPOCHS, endedAt: null });
    t.strictSame(reading?.proofs, []);
    t.type(state.shared, 'boolean');
  });

  story(
    'Threat 25: a session whose state was lost is begun again. Nobody was seen active in it yet',
    async (t, state) => {
      // Were its beginning taken for an activity, then a restart or an eviction would undo an idle lock.
      const visit = await new Visit(state).begin({ signedInAt: NOW - 3_600_000 });
      t.equal((await visit.read())?.lastActivityAt, null);
    },
  );

  story(
    'an unknown session has nothing: no proof, challenge, consumption, turn or grant comes from nowhere',
    async (t, state) => {
      const visit = new Visit(state);
      t.strictSame(await state.proofs(visit.key, 'bearer', 10, NOW), []);
      t.equal(await visit.open(), null);
      t.equal(await state.challenge(visit.key, 'none', NOW), null);
      t.equal(await state.consume(visit.key, 'bearer', 'op', NOW), false);
      t.match(await state.takeTurn(visit.key, 'totp', NOW), { granted: false, retryAt: Number });
      t.equal(await visit.pass([visit.proof()]), false);
      await state.voidChallenge(visit.key, 'none');
      await state.renew(visit.key, { user: 1, workspace: 1 }, false);
      await state.clearTurns(visit.key, 'totp');
      await state.end(visit.key, NOW);
      t.strictSame((await visit.read('bearer'))?.proofs ?? [], [], 'nor does any of these calls make one');
    },
  );

  story('beginning again changes nothing for the same user', async (t, state) => {
    const visit = await new Visit(state).begin();
    t.ok(await visit.pass([visit.proof()]));
    await visit.begin({ number: 'another', epochs: { user: 9, workspace: 9 }, now: NOW + 5 });
    t.match(await visit.read(), { number: visit.number, epochs: EPOCHS });
    t.strictSame(await visit.seen('b1'), ['p1']);
  });

  story(
    'Threat 25: on a shared workstation A signs in, then B, then A again under one host session',
    async (t, state) => {
      // The host kept its session id. Neither B may see A's proofs, nor may A have them back.
      const ana = await new Visit(state).begin();
      const { keyHash } = ana.key;
      t.ok(await ana.pass([ana.proof()]));
      const old = await ana.open('left open');
      const ben = new Visit(state, { keyHash, userId: 'ben' });
      t.equal(await ben.read('b1'), null, 'B does not see that there is a session');
      t.equal(await ben.state.consume(ben.key, 'b1', 'op', NOW), false);
      t.equal(await state.challenge(ben.key, old?.id ?? '', NOW), null);
      t.equal(await state.grant(ben.key, ana.number, EPOCHS, grantOf(ben, old?.id), NOW), false);

      await ben.begin();
      t.strictSame(await ben.seen('b1'), []);
      t.strictSame(await ben.seen('bearer'), []);
      t.equal(await ana.read('b1'), null, 'A is unknown from here on');

      await ana.begin({ number: 'third' });
      t.equal((await ana.read())?.number, 'third');
      t.strictSame(await ana.seen('b1'), []);
      t.strictSame(await ana.seen('bearer'), []);
      t.equal(await state.challenge(ana.key, old?.id ?? '', NOW), null);
    },
  );

  story('Threat 25: A signs in again under one host session, after B who touched nothing of ours', async (t, state) => {
    const ana = await new Visit(state).begin();
    t.ok(await ana.pass([ana.proof()]));
    const old = await ana.open('left open');
    await ana.begin({ number: 'second', signedInAt: NOW + 1 });
    t.match(await ana.read('b1'), { number: 'second', signedInAt: NOW + 1, proofs: [] });
    t.equal(await state.challenge(ana.key, old?.id ?? '', NOW), null);
  });

  story('one host session key in two workspaces is two sessions, never one', async (t, state) => {
    const here = await new Visit(state).begin();
    t.ok(await here.pass([here.proof()]));
    const there = new Visit(state, { keyHash: here.key.keyHash, workspaceId: 'elsewhere' });
    t.equal(await there.read('b1'), null);
    await there.begin();
    t.strictSame(await there.seen('b1'), []);
    t.equal(await here.read('b1'), null);
  });

  story('proofs are read back as they were given, for the patients asked about only', async (t, state) => {
    const visit = await new Visit(state).begin();
    const scoped = visit.proof('p1', { scope: '8', factor: 'passkey', strength: 'phishing-resistant' });
    const oneShot = visit.proof('p2', { operation: 'op' });
    t.ok(await visit.pass([visit.proof('p1'), scoped, visit.proof('p2'), oneShot]));
    const proofs = [...((await visit.read('b1', ['p1']))?.proofs ?? [])].sort((one) => (one.scope === null ? -1 : 1));
    t.strictSame(proofs, [visit.proof('p1'), scoped]);
    t.same((await visit.read('b1', ['p2']))?.proofs.length, 2);
    t.strictSame((await visit.read('b1', []))?.proofs, []);
    t.strictSame((await visit.read('b1', ['P1', 'p', 'p1 ', '__proto__', 'constructor']))?.proofs, []);
  });

  story('a later proof of the same kind replaces the earlier one', async (t, state) => {
    const visit = await new Visit(state).begin();
    t.ok(await visit.pass([visit.proof()]));
    t.ok(await visit.pass([visit.proof('p1', { verifiedAt: NOW + 5 })], { presented: 'b1', binding: 'b2' }, NOW + 5));
    const proofs = (await visit.read('b2', ['p1'], NOW + 5))?.proofs ?? [];
    t.equal(Math.max(...proofs.map(({ verifiedAt }) => verifiedAt)), NOW + 5);
  });

  story('a proof keeps the grace periods it was earned under, beside one earned under others', async (t, state) => {
    const visit = await new Visit(state).begin();
    const shorter = { ...TERMS, defaultSeconds: 60, byCategory: { 5: 30 } };
    t.ok(await visit.pass([visit.proof()]));
    t.ok(
      await visit.pass(
        [visit.proof('p2', { verifiedAt: NOW + 1, terms: shorter })],
        { presented: 'b1', binding: 'b2' },
        NOW + 1,
      ),
    );
    t.strictSame((await visit.read('b2', ['p1'], NOW + 1))?.proofs[0]?.terms, TERMS);
    t.strictSame((await visit.read('b2', ['p2'], NOW + 1))?.proofs[0]?.terms, shorter);
  });

  story('Threat 10: neither the host session alone nor a foreign binding sees a proof', async (t, state) => {
    const visit = await new Visit(state).begin();
    t.ok(await visit.pass([visit.proof(), visit.proof('p2', { operation: 'op' })]));
    t.strictSame(await visit.seen('b1'), ['p1', 'p2']);
    t.strictSame(await visit.seen(null), []);
    t.strictSame(await visit.seen('b2'), []);
    t.strictSame(await visit.seen(''), []);
    t.strictSame(await state.proofs(visit.key, null, 10, NOW), []);
    t.equal(await state.consume(visit.key, null, 'op', NOW), false);
    t.equal(await state.consume(visit.key, 'b2', 'op', NOW), false);
    const other = await new Visit(state).begin();
    t.strictSame(await other.seen('b1'), [], 'and the binding alone opens no other session');
  });

  story(
    'Threat 10: the binding is rotated. The old one goes on for ten seconds, and never sees the new proof',
    async (t, state) => {
      const visit = await new Visit(state).begin();
      t.ok(await visit.pass([visit.proof('p1')]));
      const later = NOW + 1000;
      t.ok(await visit.pass([visit.proof('p2', { verifiedAt: later })], { presented: 'b1', binding: 'b2' }, later));
      t.strictSame(await visit.seen('b2', later), ['p1', 'p2']);
      t.strictSame(await visit.seen('b1', later), ['p1']);
      t.strictSame(await visit.seen('b1', later + 9999), ['p1'], 'a request under way breaks nothing');
      t.strictSame(await visit.seen('b1', later + 10_000), [], 'and then it is over');
      t.same(
        (await state.proofs(visit.key, 'b1', 10, later)).map(({ patientId }) => patientId),
        ['p1'],
      );
    },
  );

  story('the old binding sees no new proof, also where both were earned in one millisecond', async (t, state) => {
    const visit = await new Visit(state).begin();
    t.ok(await visit.pass([visit.proof('p1')]));
    t.ok(await visit.pass([visit.proof('p2')], { presented: 'b1', binding: 'b2' }));
    t.notOk((await visit.seen('b1')).includes('p2'));
    t.strictSame(await visit.seen('b2'), ['p1', 'p2']);
  });

  story(
    'with no time for the old binding, it ends with the rotation; two rotations leave one old binding',
    async (t, state) => {
      const visit = await new Visit(state).begin();
      t.ok(await visit.pass([visit.proof('p1')], { oldBindingSeconds: 0 }));
      t.ok(
        await visit.pass(
          [visit.proof('p2', { verifiedAt: NOW + 1 })],
          { presented: 'b1', binding: 'b2', oldBindingSeconds: 0 },
          NOW + 1,
        ),
      );
      t.strictSame(await visit.seen('b1', NOW + 1), []);
      t.ok(await visit.pass([visit.proof('p3', { verifiedAt: NOW + 2 })], { presented: 'b2', binding: 'b3' }, NOW + 2));
      t.strictSame(await visit.seen('b1', NOW + 2), []);
      t.strictSame(await visit.seen('b2', NOW + 2), ['p1', 'p2']);
      t.strictSame(await visit.seen('b3', NOW + 2), ['p1', 'p2', 'p3']);
    },
  );

  story('Threat 10: a verification from a request that was not bound drops the earlier proofs', async (t, state) => {
    // Whoever answers without the binding cookie may be somebody else who holds the host's session: the new binding is theirs.
    for (const presented of [null, 'forged', '']) {
      const visit = await new Visit(state).begin();
      t.ok(await visit.pass([visit.proof('p1'), visit.proof('p1', { operation: 'op' })]));
      t.ok(await visit.pass([visit.proof('p2', { verifiedAt: NOW + 1 })], { presented, binding: 'b2' }, NOW + 1));
      t.strictSame(await visit.seen('b2', NOW + 1), ['p2'], `${presented}: the new binding has the new proof alone`);
      t.strictSame(await visit.seen('b1', NOW + 1), [], `${presented}: and the old one has nothing`);
      t.equal(await state.consume(visit.key, 'b2', 'op', NOW + 1), false);
    }
  });

  story(
    'Threat 10: a verification from the old binding brings along what it saw, not what came after it',
    async (t, state) => {
      const visit = await new Visit(state).begin();
      t.ok(await visit.pass([visit.proof('p1')]));
      t.ok(await visit.pass([visit.proof('p2', { verifiedAt: NOW + 1 })], { presented: 'b1', binding: 'b2' }, NOW + 1));
      t.ok(await visit.pass([visit.proof('p3', { verifiedAt: NOW + 2 })], { presented: 'b1', binding: 'b3' }, NOW + 2));
      t.strictSame(await visit.seen('b3', NOW + 2), ['p1', 'p3']);
    },
  );

  story('bearer callers have no binding, and need none', async (t, state) => {
    const visit = await new Visit(state).begin();
    t.ok(
      await visit.pass([visit.proof('p1', { operation: 'op' }), visit.proof('p2')], {
        presented: 'bearer',
        binding: 'bearer',
      }),
    );
    t.strictSame(await visit.seen('bearer'), ['p1', 'p2']);
    t.strictSame(await visit.seen(null), []);
    t.ok(await state.consume(visit.key, 'bearer', 'op', NOW));
  });

  story('parallel refusals share one open challenge', async (t, state) => {
    const visit = await new Visit(state).begin();
    const opened = await Promise.all(Array.from({ length: 20 }, () => visit.open('one requirement')));
    t.equal(new Set(opened.map((challenge) => challenge?.id)).size, 1);
    const other = await visit.open('another requirement');
    t.not(other?.id, opened[0]?.id);
    t.strictSame(await state.challenge(visit.key, other?.id ?? '', NOW), other, 'found again as it was opened');
  });

  story('a challenge is over at its expiry, to the millisecond, and a new one takes its place', async (t, state) => {
    const visit = await new Visit(state).begin();
    const first = await visit.open('requirement', { expiresAt: NOW + 1000 });
    const id = first?.id ?? '';
    t.equal((await visit.open('requirement', {}, NOW + 999))?.id, id);
    t.equal((await state.challenge(visit.key, id, NOW + 999))?.id, id);
    t.equal(await state.challenge(visit.key, id, NOW + 1000), null);
    t.equal(await state.grant(visit.key, visit.number, EPOCHS, grantOf(visit, id), NOW + 1000), false, 'too late');
    t.strictSame(await visit.seen('b1', NOW + 1000), []);
    const second = await visit.open('requirement', {}, NOW + 1000);
    t.not(second?.id, id);
  });

  story('a challenge is found in its own session only', async (t, state) => {
    const visit = await new Visit(state).begin();
    const other = await new Visit(state).begin();
    const challenge = await visit.open();
    t.equal(await state.challenge(other.key, challenge?.id ?? '', NOW), null);
    t.equal(await other.state.grant(other.key, other.number, EPOCHS, grantOf(other, challenge?.id), NOW), false);
    await state.voidChallenge(other.key, challenge?.id ?? '');
    t.ok(await state.challenge(visit.key, challenge?.id ?? '', NOW), 'nor can another session void it');
  });

  story('a voided challenge grants nothing', async (t, state) => {
    const visit = await new Visit(state).begin();
    const challenge = await visit.open();
    await state.voidChallenge(visit.key, challenge?.id ?? '');
    t.equal(await state.challenge(visit.key, challenge?.id ?? '', NOW), null);
    t.equal(await state.grant(visit.key, visit.number, EPOCHS, grantOf(visit, challenge?.id), NOW), false);
    t.strictSame(await visit.seen('b1'), []);
  });

  story('Threat 19: one session keeps a bounded number of challenges, and the oldest makes room', async (t, state) => {
    const visit = await new Visit(state).begin();
    const opened = [];
    for (let index = 0; index < 40; index++)
      opened.push((await visit.open(`requirement ${index}`, {}, NOW + index))?.id ?? '');
    t.equal(await state.challenge(visit.key, opened[0] ?? '', NOW + 40), null, 'the first is gone');
    const kept = await Promise.all(opened.map((id) => state.challenge(visit.key, id, NOW + 40)));
    const first = kept.findIndex((challenge) => challenge !== null);
    t.ok(kept.length - first <= 64 && kept.length - first >= 8, `the last ${kept.length - first} are kept`);
    t.ok(
      kept.slice(first).every((challenge) => challenge !== null),
      'the newest ones, without a gap',
    );
  });

  story('Threat 19: one session keeps a bounded number of one-shot proofs', async (t, state) => {
    const visit = await new Visit(state).begin();
    for (let index = 0; index < 80; index++) {
      const proof = visit.proof('p1', { operation: `op ${index}`, verifiedAt: NOW + index });
      t.ok(await visit.pass([proof], { presented: 'b1' }, NOW + index));
    }
    const { proofs = [] } = (await visit.read('b1', ['p1'], NOW + 80)) ?? {};
    t.ok(proofs.length <= sessionBounds.oneShots, `${proofs.length} are kept`);
    t.ok(
      proofs.some(({ operation }) => operation === 'op 79'),
      'the newest among them',
    );
  });

  story('Threat 3: a challenge is taken once, however many answers arrive together', async (t, state) => {
    const visit = await new Visit(state).begin();
    const challenge = await visit.open();
    const answers = Array.from({ length: 50 }, (_, index) => ({
      ...grantOf(visit, challenge?.id),
      binding: `b${index}`,
    }));
    const results = await Promise.all(answers.map((grant) => state.grant(visit.key, visit.number, EPOCHS, grant, NOW)));
    t.equal(results.filter(Boolean).length, 1);
    const winner = `b${results.indexOf(true)}`;
    t.strictSame(await visit.seen(winner), ['p1']);
    t.equal(await state.challenge(visit.key, challenge?.id ?? '', NOW), null);
  });

  story(
    'Threat 13: nothing is granted to a session that ended, was revoked or was begun anew meanwhile',
    async (t, state) => {
      for (const [why, happens, number, epochs] of [
        ['signed out', (visit: Visit) => state.end(visit.key, NOW), null, EPOCHS],
        ['user revoked', (visit: Visit) => state.renew(visit.key, { user: 1, workspace: 0 }, true), null, EPOCHS],
        ['workspace revoked', (visit: Visit) => state.renew(visit.key, { user: 0, workspace: 1 }, true), null, EPOCHS],
        ['another number', () => {}, 'another', EPOCHS],
        ['newer epochs than the session has', () => {}, null, { user: 1, workspace: 0 }],
        ['another workspace epoch', () => {}, null, { user: 0, workspace: 1 }],
      ] as const) {
        const visit = await new Visit(state).begin();
        const challenge = await visit.open();
        await happens(visit);
        t.equal(
          await state.grant(visit.key, number ?? visit.number, epochs, grantOf(visit, challenge?.id), NOW),
          false,
          why,
        );
        t.strictSame(
          [...(await visit.seen('b1')), ...(await visit.seen('bearer'))],
          [],
          `${why}: and no proof is there`,
        );
        t.strictSame(await state.proofs(visit.key, 'bearer', 10, NOW), [], why);
      }
    },
  );

  story(
    'renewal takes proofs, one-shots, challenges and bindings, and keeps the session and its delays',
    async (t, state) => {
      const visit = await new Visit(state).begin();
      t.ok(await visit.pass([visit.proof('p1'), visit.proof('p2', { operation: 'op' })]));
      const challenge = await visit.open();
      for (let index = 0; index < 3; index++) await state.takeTurn(visit.key, 'totp', NOW);
      await state.renew(visit.key, { user: 3, workspace: 2 }, true);
      t.match(await visit.read('b1'), { number: visit.number, epochs: { user: 3, workspace: 2 }, endedAt: null });
      t.strictSame(await visit.seen('b1'), []);
      t.equal(await state.consume(visit.key, 'b1', 'op', NOW), false);
      t.equal(await state.challenge(visit.key, challenge?.id ?? '', NOW), null);
      t.match(await state.takeTurn(visit.key, 'totp', NOW), { granted: false }, 'guessing is no faster after it');
    },
  );

  story('proofs: newest first, at most so many, what the binding sees', async (t, state) => {
    const visit = await new Visit(state).begin();
    for (let index = 0; index < 5; index++) {
      const at = NOW + index;
      const factor = index % 2 === 0 ? 'totp' : 'passkey';
      t.ok(
        await visit.pass(
          [visit.proof(`p${index}`, { verifiedAt: at, factor })],
          { presented: index === 0 ? null : `b${index - 1}`, binding: `b${index}` },
          at,
        ),
      );
    }
    const patients = (await state.proofs(visit.key, 'b4', 3, NOW + 5)).map(({ patientId }) => patientId);
    t.strictSame(patients, ['p4', 'p3', 'p2']);
  });

  story('Threat 3: a one-shot proof is consumed once, however many requests arrive together', async (t, state) => {
    const visit = await new Visit(state).begin();
    t.ok(
      await visit.pass([
        visit.proof('p1', { operation: 'op' }),
        visit.proof('p2', { operation: 'op' }),
        visit.proof('p1', { operation: 'other' }),
      ]),
    );
    const taken = await Promise.all(Array.from({ length: 50 }, () => state.consume(visit.key, 'b1', 'op', NOW)));
    t.equal(taken.filter(Boolean).length, 1);
    const left = ((await visit.read('b1'))?.proofs ?? []).map(({ operation }) => operation);
    t.strictSame(left, ['other'], 'all patients of the operation at once, and no other operation');
    t.equal(await state.consume(visit.key, 'b1', 'OTHER', NOW), false);
    t.equal(await state.consume(visit.key, 'b1', '', NOW), false);
    t.equal(await state.consume(visit.key, 'b1', 'other', NOW), true);
  });

  story('a proof with a grace period is nothing to consume', async (t, state) => {
    const visit = await new Visit(state).begin();
    t.ok(await visit.pass([visit.proof()]));
    t.equal(await state.consume(visit.key, 'b1', '', NOW), false);
    t.equal(await state.consume(visit.key, 'b1', 'undefined', NOW), false);
    t.strictSame(await visit.seen('b1'), ['p1']);
  });

  story(
    'the old binding consumes what it sees, and not the one-shot proof that came with the new one',
    async (t, state) => {
      const visit = await new Visit(state).begin();
      t.ok(await visit.pass([visit.proof('p1', { operation: 'earlier' })]));
      const later = visit.proof('p1', { operation: 'later', verifiedAt: NOW + 1 });
      t.ok(await visit.pass([later], { presented: 'b1', binding: 'b2' }, NOW + 1));
      t.equal(await state.consume(visit.key, 'b1', 'later', NOW + 1), false);
      t.equal(await state.consume(visit.key, 'b1', 'earlier', NOW + 1), true);
      t.equal(await state.consume(visit.key, 'b2', 'later', NOW + 1), true);
    },
  );

  story('Threat 4: delays grow: none for three failures, then 1, 2, 4 … seconds, at most 300', async (t, state) => {
    const visit = await new Visit(state).begin();
    let now = NOW;
    const delays: number[] = [];
    for (let failures = 1; failures <= 14; failures++) {
      t.strictSame(await state.takeTurn(visit.key, 'totp', now), { granted: true, failures });
      const next = await state.takeTurn(visit.key, 'totp', now);
      if (next.granted) {
        // Counted as well: go on from there.
        delays.push(0);
        failures += 1;
        continue;
      }
      delays.push((next.retryAt - now) / 1000);
      t.match(await state.takeTurn(visit.key, 'totp', next.retryAt - 1), { granted: false }, 'not a millisecond early');
      now = next.retryAt;
    }
    t.strictSame(delays, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
  });

  story('Threat 4: 200 parallel guesses get no more turns than sequential ones', async (t, state) => {
    const visit = await new Visit(state).begin();
    const turns = await Promise.all(Array.from({ length: 200 }, () => state.takeTurn(visit.key, 'totp', NOW)));
    t.equal(turns.filter(({ granted }) => granted).length, 3);
  });

  story("delays are the factor's own and the session's own, and are forgotten once it is passed", async (t, state) => {
    const visit = await new Visit(state).begin();
    const other = await new Visit(state).begin();
    for (let index = 0; index < 3; index++) await state.takeTurn(visit.key, 'totp', NOW);
    t.match(await state.takeTurn(visit.key, 'totp', NOW), { granted: false });
    t.match(await state.takeTurn(visit.key, 'passkey', NOW), { granted: true, failures: 1 });
    t.match(await state.takeTurn(other.key, 'totp', NOW), { granted: true, failures: 1 });
    await state.clearTurns(visit.key, 'passkey');
    t.match(await state.takeTurn(visit.key, 'totp', NOW), { granted: false }, 'passing another factor changes nothing');
    await state.clearTurns(visit.key, 'totp');
    t.match(await state.takeTurn(visit.key, 'totp', NOW), { granted: true, failures: 1 });
  });

  story(
    'Threat 25: a session that ended stays ended, and an old cookie with its sign-in does not bring it back',
    async (t, state) => {
      const visit = await new Visit(state).begin();
      t.ok(await visit.pass([visit.proof('p1'), visit.proof('p2', { operation: 'op' })]));
      const challenge = await visit.open();
      await state.end(visit.key, NOW + 1000);
      t.match(await visit.read('b1'), { number: visit.number, endedAt: NOW + 1000 });
      t.strictSame([...(await visit.seen('b1')), ...(await visit.seen('bearer'))], []);
      t.equal(await visit.open('a new one'), null, 'no challenge is opened in it');
      t.equal(await state.challenge(visit.key, challenge?.id ?? '', NOW), null);
      t.equal(await state.consume(visit.key, 'b1', 'op', NOW), false);

      for (const signedInAt of [NOW, NOW + 1000]) {
        await visit.begin({ number: 'replayed', signedInAt, now: NOW + 5000 });
        t.match(await visit.read(), { number: visit.number, endedAt: NOW + 1000 }, 'a sign-in from before the end');
      }
    },
  );

  story('a later sign-in under the same key is a session of its own', async (t, state) => {
    const visit = await new Visit(state).begin();
    t.ok(await visit.pass([visit.proof()]));
    await state.end(visit.key, NOW + 1000);
    await visit.begin({ number: 'later', signedInAt: NOW + 1001, epochs: { user: 2, workspace: 0 }, now: NOW + 1001 });
    t.match(await visit.read('b1'), { number: 'later', endedAt: null, epochs: { user: 2, workspace: 0 } });
    t.strictSame(await visit.seen('b1'), []);
  });

  story('a session can begin ended, as the durable tables know it', async (t, state) => {
    const visit = await new Visit(state).begin({ endedAt: NOW - 1, signedInAt: NOW - 10 });
    t.match(await visit.read(), { endedAt: NOW - 1 });
    t.equal(await visit.open(), null);
  });

  story(
    'the host gives the session another key: its state moves along, whole, and nothing stays behind',
    async (t, state) => {
      const visit = await new Visit(state).begin({ signedInAt: NOW - 5 });
      t.ok(await visit.pass([visit.proof('p1'), visit.proof('p2', { operation: 'op' })]));
      const challenge = await visit.open('requirement');
      for (let index = 0; index < 3; index++) await state.takeTurn(visit.key, 'totp', NOW);
      const moved = new Visit(state);
      await state.move(visit.key, moved.key.keyHash);
      t.match(await moved.read(), { number: visit.number, epochs: EPOCHS, endedAt: null, lastActivityAt: null });
      t.strictSame(await moved.seen('b1'), ['p1', 'p2']);
      t.strictSame(await moved.seen(null), [], 'the binding is still asked');
      t.equal((await moved.open('requirement'))?.id, challenge?.id);
      t.match(await state.takeTurn(moved.key, 'totp', NOW), { granted: false }, 'delays as well');
      t.equal(await state.consume(moved.key, 'b1', 'op', NOW), true);

      t.equal(await visit.read('b1'), null, 'under the old key there is nothing');
      t.strictSame(await state.proofs(visit.key, 'bearer', 10, NOW), []);
      t.equal(await state.grant(visit.key, visit.number, EPOCHS, grantOf(visit, challenge?.id), NOW), false);
      await visit.begin({ number: 'another' });
      t.strictSame(await visit.seen('b1'), [], 'nor when a session is begun there');
      t.strictSame(await moved.seen('b1'), ['p1'], 'and that one touches the moved one in nothing');
    },
  );

  story(
    'a session moved onto itself is as it was; an unknown one, or somebody else’s, is not moved',
    async (t, state) => {
      const visit = await new Visit(state).begin();
      t.ok(await visit.pass([visit.proof()]));
      await state.move(visit.key, visit.key.keyHash);
      t.strictSame(await visit.seen('b1'), ['p1']);
      const elsewhere = randomUUID();
      const thief = new Visit(state, { keyHash: visit.key.keyHash, userId: 'eve' });
      await state.move(thief.key, elsewhere);
      t.strictSame(await visit.seen('b1'), ['p1']);
      t.equal(await new Visit(state, { keyHash: elsewhere, userId: 'eve' }).read('b1'), null);
      t.equal(await new Visit(state, { keyHash: elsewhere }).read('b1'), null);
      await state.move(new Visit(state).key, visit.key.keyHash);
      t.strictSame(await visit.seen('b1'), ['p1'], 'nothing moved there erases nothing');
    },
  );

  story(
    'Threat 10: a session moves to a key under which another one was: of that one nothing is left',
    async (t, state) => {
      const ana = await new Visit(state).begin();
      t.ok(await ana.pass([ana.proof('p1')]));
      const ben = await new Visit(state, { userId: 'ben' }).begin();
      t.ok(await ben.pass([ben.proof('p2')], { binding: 'b9' }));
      await state.move(ana.key, ben.key.keyHash);
      t.equal(await ben.read('b9'), null);
      const moved = new Visit(state, { keyHash: ben.key.keyHash });
      t.strictSame(await moved.seen('b9'), []);
      t.strictSame(await moved.seen('b1'), ['p1']);
    },
  );

  story('Threat 25: a session that ended is moved. It stays ended', async (t, state) => {
    const visit = await new Visit(state).begin();
    await state.end(visit.key, NOW);
    const moved = new Visit(state);
    await state.move(visit.key, moved.key.keyHash);
    t.match(await moved.read(), { endedAt: NOW });
    await moved.begin();
    t.match(await moved.read(), { number: visit.number, endedAt: NOW });
  });

  story(
    'Threat 18: the clock is set back. Every proof of every session is dropped, and none revives',
    async (t, state) => {
      const visit = await new Visit(state).begin();
      const other = await new Visit(state, { userId: 'ben', workspaceId: 'elsewhere' }).begin();
      t.ok(await visit.pass([visit.proof('p1'), visit.proof('p2', { operation: 'op' })]));
      t.ok(await other.pass([other.proof()]));
      await state.dropAllProofs();
      for (const now of [NOW - 3_600_000, NOW]) {
        t.strictSame([...(await visit.seen('b1', now)), ...(await other.seen('b1', now))], []);
        t.strictSame(await state.proofs(visit.key, 'b1', 10, now), []);
        t.equal(await state.consume(visit.key, 'b1', 'op', now), false);
      }
      t.match(await visit.read(), { number: visit.number, endedAt: null }, 'the session itself goes on');
      await state.end(visit.key, NOW);
      await state.dropAllProofs();
      t.match(await visit.read(), { endedAt: NOW }, 'and an end stays an end');
    },
  );

  story('nothing that was handed out changes later', async (t, state) => {
    const visit = await new Visit(state).begin();
    t.ok(await visit.pass([visit.proof()]));
    const reading = await visit.read('b1');
    const before = JSON.stringify(reading);
    await state.renew(visit.key, { user: 5, workspace: 5 }, true);
    await state.end(visit.key, NOW);
    t.equal(JSON.stringify(reading), before);
  });

  story('whether the person had a factor is told until a session is renewed or carried on', async (t, state) => {
    const visit = await new Visit(state).begin({ hasFactor: false });
    t.match(await visit.read(), { hasFactor: false });
    await visit.begin({ hasFactor: true });
    t.match(await visit.read(), { hasFactor: false }, 'beginning again changes nothing');
    await state.renew(visit.key, { user: 1, workspace: 0 }, true);
    t.match(await visit.read(), { hasFactor: true });
    await state.carry(visit.key, visit.number, { user: 1, workspace: 0 }, { user: 2, workspace: 0 }, false);
    t.match(await visit.read(), { hasFactor: false });
    const enrolled = await new Visit(state).begin({ hasFactor: true });
    t.match(await enrolled.read(), { hasFactor: true });
  });

  story('a session that raised its own epochs is carried along, with all it has', async (t, state) => {
    const visit = await new Visit(state).begin();
    t.ok(await visit.pass([visit.proof('p1'), visit.proof('p2', { operation: 'op' })]));
    const open = await visit.open();
    t.ok(await state.keepCeremony(visit.key, 'name', 'value', NOW + 1000, NOW));
    const to = { user: 7, workspace: 3 };
    await state.carry(visit.key, visit.number, EPOCHS, to, true);
    t.match(await visit.read(), { number: visit.number, epochs: to, hasFactor: true, endedAt: null });
    t.strictSame(await visit.seen('b1'), ['p1', 'p2']);
    t.equal(await state.takeCeremony(visit.key, 'name', NOW), 'value');
    t.equal(await state.grant(visit.key, visit.number, EPOCHS, grantOf(visit, open?.id), NOW), false, 'not by the old');
    t.ok(await state.grant(visit.key, visit.number, to, grantOf(visit, open?.id, { presented: 'b1' }), NOW));
  });

  story('Threat 25: nothing is carried that was revoked, ended or replaced in between', async (t, state) => {
    const to = { user: 7, workspace: 0 };
    for (const [what, before] of [
      ['revoked', (visit: Visit) => state.renew(visit.key, { user: 1, workspace: 0 }, true)],
      ['the workspace revoked', (visit: Visit) => state.renew(visit.key, { user: 0, workspace: 1 }, true)],
      ['ended', (visit: Visit) => state.end(visit.key, NOW)],
      ['another sign-in', (visit: Visit) => visit.begin({ number: 'another', signedInAt: NOW + 1 })],
    ] as const) {
      const visit = await new Visit(state).begin();
      await before(visit);
      const reading = await visit.read();
      await state.carry(visit.key, visit.number, EPOCHS, to, true);
      t.strictSame(await visit.read(), reading, what);
    }
    const visit = await new Visit(state).begin();
    const thief = new Visit(state, { keyHash: visit.key.keyHash, userId: 'eve' });
    await state.carry(thief.key, visit.number, EPOCHS, to, true);
    t.match(await visit.read(), { epochs: EPOCHS }, 'nor by somebody else');
    await state.carry(new Visit(state).key, visit.number, EPOCHS, to, true);
    t.match(await visit.read(), { epochs: EPOCHS });
  });

  story('Threat 3: a ceremony is given back once, however many ask together', async (t, state, other) => {
    const visit = await new Visit(state).begin();
    const value = JSON.stringify({ challenge: 'a\nb \u0000 "quoted" Zoë \ud800', at: NOW });
    t.ok(await state.keepCeremony(visit.key, 'one name', value, NOW + 1000, NOW));
    const takes = Array.from({ length: 50 }, (_, at) => (at % 2 === 0 ? state : other));
    const taken = await Promise.all(takes.map((client) => client.takeCeremony(visit.key, 'one name', NOW)));
    t.strictSame(
      taken.filter((one) => one !== null),
      [value],
      'as it was given',
    );
    t.equal(await other.takeCeremony(visit.key, 'one name', NOW), null);
  });

  story('a ceremony is over at its expiry, to the millisecond, and is not found by another name', async (t, state) => {
    const visit = await new Visit(state).begin();
    for (const name of ['one', 'two']) t.ok(await state.keepCeremony(visit.key, name, name, NOW + 1000, NOW));
    t.equal(await state.takeCeremony(visit.key, 'three', NOW), null);
    t.equal(await state.takeCeremony(visit.key, 'one two', NOW), null);
    t.equal(await state.takeCeremony(visit.key, 'one', NOW + 1000), null);
    t.equal(await state.takeCeremony(visit.key, 'one', NOW), null, 'asked for too late, it is gone');
    t.equal(await state.takeCeremony(visit.key, 'two', NOW + 999), 'two');
    t.ok(await state.keepCeremony(visit.key, 'one', 'first', NOW + 1000, NOW));
    t.ok(await state.keepCeremony(visit.key, 'one', 'second', NOW + 1000, NOW));
    t.equal(await state.takeCeremony(visit.key, 'one', NOW), 'second', 'a later one of the same name replaces it');
    t.equal(await state.takeCeremony(visit.key, 'one', NOW), null);
  });

  story('Threat 19: one session keeps sixteen ceremonies, and the oldest makes room', async (t, state) => {
    const visit = await new Visit(state).begin();
    for (let index = 0; index < 3; index++) {
      t.ok(await state.keepCeremony(visit.key, `over ${index}`, 'over', NOW + 10, NOW));
    }
    const names = Array.from({ length: 20 }, (_, index) => `name ${index}`);
    for (const name of names) t.ok(await state.keepCeremony(visit.key, name, name, NOW + 5000, NOW + 10));
    const kept = [];
    for (const name of names) if ((await state.takeCeremony(visit.key, name, NOW + 10)) === name) kept.push(name);
    t.strictSame(kept, names.slice(4));
  });

  story('Threat 25: a ceremony is its session’s, and ends with it', async (t, state) => {
    const visit = await new Visit(state).begin();
    t.equal(await state.keepCeremony(new Visit(state).key, 'name', 'value', NOW + 1000, NOW), false, 'unknown');
    t.ok(await state.keepCeremony(visit.key, 'name', 'value', NOW + 1000, NOW));
    const other = await new Visit(state).begin();
    t.equal(await state.takeCeremony(other.key, 'name', NOW), null);
    const eve = new Visit(state, { keyHash: visit.key.keyHash, userId: 'eve' });
    t.equal(await state.takeCeremony(eve.key, 'name', NOW), null);
    t.equal(await state.keepCeremony(eve.key, 'hers', 'value', NOW + 1000, NOW), false);
    await state.renew(visit.key, { user: 1, workspace: 0 }, true);
    t.equal(await state.takeCeremony(visit.key, 'name', NOW), null, 'revoked');
    t.ok(await state.keepCeremony(visit.key, 'name', 'value', NOW + 1000, NOW));
    const moved = new Visit(state);
    await state.move(visit.key, moved.key.keyHash);
    t.equal(await state.takeCeremony(visit.key, 'name', NOW), null);
    t.equal(await state.takeCeremony(moved.key, 'name', NOW), 'value', 'moved along');
    t.ok(await state.keepCeremony(moved.key, 'name', 'value', NOW + 1000, NOW));
    await state.end(moved.key, NOW);
    t.equal(await state.takeCeremony(moved.key, 'name', NOW), null, 'ended');
    t.equal(await state.keepCeremony(moved.key, 'name', 'value', NOW + 1000, NOW), false);
  });

  story('what one node writes the other reads at once', async (t, state, other) => {
    const visit = await new Visit(state).begin({ signedInAt: NOW - 7, hasFactor: true });
    const there = new Visit(other, visit.key);
    const challenge = await visit.open('requirement', { summary: null, returnTo: '/a?b=%20' });
    t.strictSame(await other.challenge(visit.key, challenge?.id ?? '', NOW), challenge);
    t.strictSame(await there.open('requirement'), challenge, 'and shares');
    const proof = visit.proof('p1', { terms: { ...TERMS, byCategory: {} } });
    t.ok(await other.grant(visit.key, visit.number, EPOCHS, grantOf(visit, challenge?.id, { proofs: [proof] }), NOW));
    t.strictSame(await visit.read('b1', ['p1']), {
      number: visit.number,
      signedInAt: NOW - 7,
      epochs: EPOCHS,
      endedAt: null,
      hasFactor: true,
      lastActivityAt: null,
      proofs: [proof],
    });
    t.strictSame(await there.read('b1', ['p1']), await visit.read('b1', ['p1']));
    t.strictSame(await other.proofs(visit.key, 'b1', 10, NOW), [proof]);
    await other.end(visit.key, NOW + 1);
    t.match(await visit.read('b1', ['p1']), { endedAt: NOW + 1, proofs: [] });
  });

  story('Threat 3: of two nodes, one takes the one-shot proof, and one the challenge', async (t, state, other) => {
    for (let round = 0; round < 4; round++) {
      const visit = await new Visit(state).begin();
      const clients = Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? state : other));
      const opened = await Promise.all(clients.map((client) => new Visit(client, visit.key).open('the same')));
      const ids = new Set(opened.map((challenge) => challenge?.id));
      t.equal(ids.size, 1, 'and both had opened one');
      const [id] = [...ids];
      const proofs = [visit.proof('p1', { operation: 'op' })];
      const grants = await Promise.all(
        clients.map((client, at) =>
          client.grant(visit.key, visit.number, EPOCHS, grantOf(visit, id, { proofs, binding: `b${at}` }), NOW),
        ),
      );
      t.equal(grants.filter(Boolean).length, 1);
      const binding = `b${grants.indexOf(true)}`;
      const consumed = await Promise.all(clients.map((client) => client.consume(visit.key, binding, 'op', NOW)));
      t.equal(consumed.filter(Boolean).length, 1);
    }
  });

  story('Threat 4: guesses on two nodes get no more turns than on one', async (t, state, other) => {
    const visit = await new Visit(state).begin();
    const clients = Array.from({ length: 60 }, (_, at) => (at % 2 === 0 ? state : other));
    const turns = await Promise.all(clients.map((client) => client.takeTurn(visit.key, 'totp', NOW)));
    t.equal(turns.filter(({ granted }) => granted).length, 3);
    t.match(await other.takeTurn(visit.key, 'totp', NOW + 1000), { granted: true, failures: 4 });
    t.match(await state.takeTurn(visit.key, 'totp', NOW + 1000), { granted: false, retryAt: NOW + 3000 });
  });

  story('first sight of a session on two nodes at once begins it once', async (t, state, other) => {
    const visit = new Visit(state);
    const starts = Array.from({ length: 20 }, (_, at) => ({
      client: at % 2 === 0 ? state : other,
      number: `number ${at}`,
    }));
    await Promise.all(starts.map(({ client, number }) => new Visit(client, visit.key).begin({ number })));
    const { number } = (await visit.read()) ?? {};
    t.ok(starts.some((start) => start.number === number));
    t.equal((await new Visit(other, visit.key).read())?.number, number);
  });

  story('Threat 25: A, then B, then A again, each seen first by another node', async (t, state, other) => {
    const ana = await new Visit(state).begin();
    t.ok(await ana.pass([ana.proof()]));
    const ben = await new Visit(other, { keyHash: ana.key.keyHash, userId: 'ben' }).begin();
    t.ok(await ben.pass([ben.proof()], { binding: 'b2' }));
    t.equal(await ana.read('b1'), null);
    const again = await new Visit(state, ana.key).begin({ signedInAt: NOW + 5 });
    for (const binding of ['b1', 'b2', 'bearer'] as const) t.strictSame(await again.seen(binding), []);
    t.equal(await ben.read('b2'), null);
  });

  story('a session ends on one node while the other grants: nothing is left of it', async (t, state, other) => {
    for (let round = 0; round < 4; round++) {
      const visit = await new Visit(state).begin();
      const challenge = await visit.open();
      await Promise.all([
        state.end(visit.key, NOW + 1),
        other.grant(visit.key, visit.number, EPOCHS, grantOf(visit, challenge?.id, { binding: 'b1' }), NOW),
      ]);
      t.match(await visit.read('b1'), { endedAt: NOW + 1, proofs: [] });
    }
  });

  story('Threat 18: all proofs are dropped on one node, and none comes back on the other', async (t, state, other) => {
    const visit = await new Visit(state).begin();
    t.ok(await visit.pass([visit.proof('p1'), visit.proof('p2', { operation: 'op' })]));
    await other.dropAllProofs();
    t.strictSame(await visit.seen('b1'), []);
    t.equal(await state.consume(visit.key, 'b1', 'op', NOW), false);
    t.ok(await visit.pass([visit.proof('p3')], { presented: 'b1', binding: 'b2' }));
    t.strictSame(await new Visit(other, visit.key).seen('b2'), ['p3'], 'what is earned later counts, alone');
    t.strictSame(
      (await state.proofs(visit.key, 'b2', 10, NOW)).map(({ patientId }) => patientId),
      ['p3'],
    );
  });

  story(
    'moved while requests are under way: a one-shot proof is taken once, under either key',
    async (t, state, other) => {
      for (let round = 0; round < 4; round++) {
        const visit = await new Visit(state).begin();
        t.ok(await visit.pass([visit.proof('p1', { operation: 'op' }), visit.proof('p2')]));
        const moved = new Visit(other);
        const [, ...taken] = await Promise.all([
          state.move(visit.key, moved.key.keyHash),
          ...Array.from({ length: 10 }, (_, at) =>
            (at % 2 === 0 ? state : other).consume(at % 4 < 2 ? visit.key : moved.key, 'b1', 'op', NOW),
          ),
        ]);
        const later = await other.consume(moved.key, 'b1', 'op', NOW);
        t.equal([...taken, later].filter(Boolean).length, 1);
        t.strictSame(await moved.seen('b1'), ['p2'], 'and nothing else is lost');
        t.equal(await visit.read('b1'), null);
      }
    },
  );

  story('a session begun under either key in the middle of a move does not stop it', async (t, state, other) => {
    for (let round = 0; round < 4; round++) {
      const visit = await new Visit(state).begin();
      t.ok(await visit.pass([visit.proof('p1')]));
      const moved = new Visit(other);
      await Promise.all([
        state.move(visit.key, moved.key.keyHash),
        new Visit(other, visit.key).begin({ number: 'old key' }),
        visit.read('b1'),
        moved.read('b1'),
      ]);
      t.strictSame(await moved.seen('b1'), ['p1']);
      t.strictSame(
        (await visit.seen('b1')).length,
        0,
        'under the old key there is at most a session of its own, with nothing in it',
      );
    }
  });

  story('moved again and again, and back to its first key', async (t, state, other) => {
    const visit = await new Visit(state).begin();
    t.ok(await visit.pass([visit.proof('p1')]));
    const second = new Visit(other);
    const third = new Visit(state);
    await state.move(visit.key, second.key.keyHash);
    await other.move(second.key, third.key.keyHash);
    t.equal(await second.read('b1'), null);
    t.strictSame(await third.seen('b1'), ['p1']);
    const open = await third.open();
    t.ok(
      await other.grant(
        third.key,
        visit.number,
        EPOCHS,
        grantOf(visit, open?.id, { proofs: [visit.proof('p2')], presented: 'b1', binding: 'b2' }),
        NOW,
      ),
    );
    await other.move(third.key, visit.key.keyHash);
    t.strictSame(await visit.seen('b2'), ['p1', 'p2']);
    t.equal(await third.read('b2'), null);
    await state.move(visit.key, second.key.keyHash);
    t.strictSame(await second.seen('b2'), ['p1', 'p2']);
    // Another user, or another sign-in, under a key that a session was moved to.
    const ben = await new Visit(other, { keyHash: second.key.keyHash, userId: 'ben' }).begin();
    t.strictSame(await ben.seen('b2'), []);
    t.equal(await second.read('b2'), null);
    await new Visit(state, second.key).begin({ signedInAt: NOW + 9 });
    t.strictSame(await second.seen('b2'), []);
    t.equal(await ben.read('b2'), null);
  });

  story('Threat 10: a patient’s proof is found by that very id, whatever it is made of', async (t, state) => {
    const visit = await new Visit(state).begin();
    const ids = [
      '\u0000account',
      'Zoë',
      "'); --",
      '{}',
      'a\tb',
      'p:1',
      'o',
      'at',
      '\ud800',
      '%s',
      'w',
      '"',
      '\\u0000account',
    ];
    t.ok(await visit.pass(ids.map((id) => visit.proof(id))));
    for (const id of ids) t.strictSame(await visit.seen('b1', NOW, [id]), [id], JSON.stringify(id));
    t.strictSame(await visit.seen('b1', NOW, ids), [...ids].sort());
    t.strictSame(await visit.seen('b1', NOW, ['\ud801', 'zoë', '1', '']), []);
  });
}
