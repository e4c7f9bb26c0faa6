import { emergencyPeriod, reminderDue } from '../policy/emergency.ts';
import type { StoreTransaction } from '../store/store.ts';
import type { Duty } from './duties.ts';
import { emergencyEvent, emergencyNotice } from './emergency-events.ts';
import { type EmergencyReading, emergencyStep, readEmergency } from './emergency-rows.ts';
import type { Services } from './services.ts';

/** How often overdue reviews are looked for; milliseconds. */
const LOOK = 60_000;
const PAGE = 200;

/** What time does to emergency accesses: it ends them, lets requests lapse, and reminds of overdue reviews once a day. */
export function emergencyDuty(services: Services): Duty {
  const { configuration, emergency } = services;
  let lookedAt = Number.NEGATIVE_INFINITY;
  return {
    name: 'emergency-access',
    async run() {
      const now = configuration.clock.now();
      for (const reading of emergency.due(now)) await end(services, reading, now);
      // A clock that was set back looks again at once.
      if (now >= lookedAt && now < lookedAt + LOOK) return;
      await remind(services, now);
      lookedAt = now;
    },
  };
}

/** Once, whichever process does it: under the lock of whoever opened it, and by a step that there is one of. */
async function end(services: Services, { access }: EmergencyReading, now: number): Promise<void> {
  const { audit, configuration, emergency } = services;
  const elapsed = configuration.clock.elapsed();
  const after = await audit.transact(async (transaction) => {
    const reading = await reread(services, transaction, access);
    const nothing = { value: null, events: [] };
    if (reading === null || reading.life.endedAt !== null || reading.life.declinedAt !== null) return nothing;
    const { life } = reading;
    const lapses = life.waits && life.approved === null;
    // By this node's clock it may have an instant left, where the database's says that its time has passed.
    const at = Math.min(now, emergencyPeriod(life).endsAt);
    const step = emergencyStep(
      configuration.keyring,
      { emergencyAccessId: access.id, kind: lapses ? 'declined' : 'ended', at, byUserId: null },
      lapses ? { why: 'lapsed' } : { by: 'time' },
    );
    if (!(await transaction.putEmergencyStep(step))) return nothing;
    const event = lapses
      ? ({ code: 'EMERGENCY_ACCESS_DECLINED', outcome: 'refused', reason: 'lapsed' } as const)
      : ({ code: 'EMERGENCY_ACCESS_ENDED', reason: 'time' } as const);
    const stored = { ...reading.stored, steps: [...reading.stored.steps, step] };
    return { value: stored, events: [emergencyEvent(reading, event)] };
  });
  if (after !== null) emergency.learn(after, elapsed);
}

async function remind(services: Services, now: number): Promise<void> {
  const { audit, configuration, store } = services;
  const bounds = configuration.emergencyAccess;
  if (bounds === undefined) return;
  // None that was opened later can be overdue.
  const openedUntil = now - bounds.reviewSeconds * 1000;
  let before: { readonly openedAt: number; readonly id: string } | undefined;
  while (true) {
    const criteria = { lacking: ['reviewed', 'declined'], openedUntil, limit: PAGE };
    const page = await store.emergencyAccess({ ...criteria, ...(before === undefined ? {} : { before }) });
    for (const stored of page) {
      const reading = readEmergency(configuration.keyring, stored);
      if (reading === 'altered') continue;
      const count = reminderDue(reading.life, bounds, now);
      const kind = `reminded:${count}`;
      if (count === 0 || stored.steps.some((step) => step.kind === kind)) continue;
      const { id, userId } = reading.access;
      await audit.transact(async (transaction) => {
        const step = { emergencyAccessId: id, kind, at: now, byUserId: null };
        const put = await transaction.putEmergencyStep(emergencyStep(configuration.keyring, step));
        if (!put) return { value: null, events: [] };
        await transaction.enqueue(emergencyNotice(reading, 'overdue', userId, now));
        const event = { code: 'EMERGENCY_ACCESS_OVERDUE', outcome: 'failure', reason: kind } as const;
        return { value: null, events: [emergencyEvent(reading, event)] };
      });
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    before = last.access;
  }
}

async function reread(
  { configuration }: Services,
  transaction: StoreTransaction,
  { id, workspaceId, userId }: EmergencyReading['access'],
): Promise<EmergencyReading | null> {
  const own = await transaction.emergencyAccessOf(workspaceId, userId);
  const stored = own.find(({ access }) => access.id === id);
  const reading = stored === undefined ? 'altered' : readEmergency(configuration.keyring, stored);
  return reading === 'altered' ? null : reading;
}
