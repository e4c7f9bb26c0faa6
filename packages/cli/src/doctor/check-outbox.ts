import type { Check } from './examination.ts';
import { counted, type Finding, fault, lasting, well } from './finding.ts';

/** In the normal case a message is delivered within five seconds. */
const LATE_SECONDS = 60;

/** Whether administrators are told of emergency access. */
export const outboxCheck: Check = {
  subject: 'Notices of emergency access',
  async look({ store }) {
    const { waiting, oldestSeconds, dead } = await store.outbox().state();
    const findings: Finding[] = [];
    if (oldestSeconds !== null && oldestSeconds > LATE_SECONDS)
      findings.push(
        fault(
          `${counted(waiting, 'job')} wait in the outbox, one of them for ${lasting(oldestSeconds * 1000)}.`,
          'See that a process of the application runs, and that mail server and SMS service answer it.',
        ),
      );
    if (dead > 0)
      findings.push(
        fault(
          `${counted(dead, 'job')} of the outbox were given up within a day: somebody was not told.`,
          'Look for NOTICE_FAILED on the log, tell them yourself, and cure what its reason names.',
        ),
      );
    return findings.length > 0 ? findings : [well('Nothing is late, and nothing was given up within a day.')];
  },
};
