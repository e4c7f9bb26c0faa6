import { emergencyStanding } from '@countersign/core';
import type { Check } from './examination.ts';
import { counted, type Finding, fault, notAsked, warning, well } from './finding.ts';

/** Emergency accesses that nobody has signed off. */
export const emergencyCheck: Check = {
  subject: 'Emergency access',
  async look({ store, keyring, clock, reviewSeconds }) {
    if (keyring === null)
      return [
        notAsked('No keys were given: emergency accesses were not looked at.', 'Give --keys, or set COUNTERSIGN_KEYS.'),
      ];
    const { open, unreviewed, overdue, altered } = await emergencyStanding({
      store,
      keyring,
      now: clock.now(),
      reviewSeconds,
    });
    const findings: Finding[] = [];
    if (altered > 0)
      findings.push(
        fault(
          `${counted(altered, 'emergency access', 'emergency accesses')} are not as they were written, or are under a key that was not given.`,
          'Give every key that was in use then; else find out who changed the rows, and run countersign audit verify.',
        ),
      );
    if (overdue > 0)
      findings.push(
        fault(
          `${counted(overdue, 'emergency access', 'emergency accesses')} should have been reviewed by now.`,
          'Let an administrator other than whoever opened it review it; until then the same person gets no non-clinical emergency access.',
        ),
      );
    if (unreviewed > overdue)
      findings.push(
        warning(
          `${counted(unreviewed - overdue, 'emergency access', 'emergency accesses')} wait for a review.`,
          'Review them on the page for it.',
        ),
      );
    return findings.length > 0 ? findings : [well(`None waits for a review; ${open} are open.`)];
  },
};
