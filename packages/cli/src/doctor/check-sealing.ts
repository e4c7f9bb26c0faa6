import type { Check } from './examination.ts';
import { counted, fault, lasting, well } from './finding.ts';

/** Sealing follows a commit within a second; a process that starts takes over from another within a few. */
const LAG_MILLISECONDS = 60_000;

/** Whether events are put under signed checkpoints as they come. */
export const sealingCheck: Check = {
  subject: 'Sealing',
  async look({ inspection, store, clock }) {
    const now = clock.now();
    const newest = await store.seals.newest();
    const { events, oldestAt } = await inspection.unsealed();
    const sealed =
      newest === null
        ? 'Nothing was ever sealed'
        : `The newest seal is ${lasting(now - newest.at)} old and covers ${counted(newest.size, 'event')}`;
    if (oldestAt === null || now - oldestAt <= LAG_MILLISECONDS)
      return [well(`${sealed}; nothing waits for one for long.`)];
    return [
      fault(
        `${sealed}; ${counted(events, 'event')} are in no seal, the oldest for ${lasting(now - oldestAt)}.`,
        'See that a process of the application runs and reaches the database, and look for AUDIT_SEALING_FAILED on the log.',
      ),
    ];
  },
};
