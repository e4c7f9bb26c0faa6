import type { Check } from './examination.ts';
import { counted, type Finding, fault, lasting, warning, well } from './finding.ts';

/** Sealing follows a commit within a second; a process that starts takes over from another within a few. */
const LAG_MILLISECONDS = 60_000;

/** Whether events are put under signed checkpoints as they come. */
export const sealingCheck: Check = {
  subject: 'Sealing',
  async look({ inspection, clock }) {
    const { newest, unsealed, oldestUnsealedAt } = await inspection.sealing();
    if (newest === null)
      return [
        warning(
          'Nothing was ever sealed: nobody outside can check the log.',
          'Configure sealing, and keep its checkpoints where this database’s administrators cannot write.',
        ),
      ];
    const now = clock.now();
    const sealed = `The newest seal is ${lasting(now - newest.at)} old and covers ${counted(newest.size, 'event')}`;
    if (oldestUnsealedAt === null || now - oldestUnsealedAt <= LAG_MILLISECONDS) return [well(`${sealed}.`)];
    const findings: Finding[] = [
      fault(
        `${sealed}; ${counted(unsealed, 'event')} are in no seal, the oldest for ${lasting(now - oldestUnsealedAt)}.`,
        'See that a process of the application runs, and look for AUDIT_SEALING_FAILED on the log.',
      ),
    ];
    return findings;
  },
};
