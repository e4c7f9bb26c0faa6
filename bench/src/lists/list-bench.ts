import { randomBytes } from 'node:crypto';
import { createCountersign, type Principal, totp } from '@countersign/core';
import { openStore } from '@countersign/postgres';
import { generateSync } from 'otplib';
import { type Comparison, compare } from '../comparison.ts';
import type { BenchDatabase } from '../database.ts';

interface Row {
  readonly id: string;
  readonly patientId: string;
  readonly categories: readonly string[];
  readonly notes: string;
}

const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const PATIENTS = 100;

const principal: Principal = {
  userId: 'ana',
  workspaceId: 'clinic',
  roles: ['clinician'],
  displayName: 'Ana',
  signedInAt: new Date(),
  sessionKey: 'bench session',
  credential: 'bearer',
};

/** A list of 1,000 rows of 100 patients, every tenth row sensitive: what sifting it takes against writing it as JSON. */
export async function benchLists(database: BenchDatabase, rounds: number): Promise<Comparison[]> {
  const store = await openStore(await database.create());
  const countersign = await createCountersign({
    store,
    publicUrl: 'http://localhost:3000',
    keys: { current: 'k1', all: { k1: randomBytes(32) } },
    categories: [
      { id: '5', name: 'Ketamine infusion' },
      { id: '1', name: 'Office visit', sensitive: false },
    ],
    factors: [totp({ issuer: 'Bench' })],
  });
  try {
    await countersign.enrolment.importFactor({ workspaceId: 'clinic', userId: 'ana', factor: 'totp', secret: SECRET });
    const ana = countersign.principalOf(principal);
    const demand = { workspaceId: 'clinic', patientId: 'p0', categories: ['5'] };
    const asked = await countersign.enforce(ana, demand).catch((error) => error);
    await countersign.answerChallenge(ana, asked.challenge.id, 'totp', { code: generateSync({ secret: SECRET }) });
    const rows = Array.from({ length: 1000 }, (_, n): Row => {
      const categories = n % 10 === 0 ? ['5'] : ['1'];
      return { id: `v${n}`, patientId: `p${n % PATIENTS}`, categories, notes: `notes of visit ${n}, a line or two` };
    });
    const sift = () =>
      countersign.filter(ana, rows, ({ patientId, categories }) => ({ workspaceId: 'clinic', patientId, categories }));
    const { visible, withheld } = await sift();
    if (visible.length + withheld.length !== 1000 || withheld.length === 0) throw new Error('The list was not sifted.');
    const ratios: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const ratio = (await time(sift)) / (await time(async () => JSON.stringify(rows)));
      if (round > 0) ratios.push(ratio);
    }
    return [compare('lists, time', 'filter of 1,000 rows of 100 patients / JSON.stringify of them', ratios)];
  } finally {
    await countersign.close();
    await store.close();
  }
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  for (let n = 0; n < 20; n++) await work();
  return performance.now() - began;
}
