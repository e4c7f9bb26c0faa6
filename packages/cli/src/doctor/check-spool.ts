import { spoolState } from '@countersign/core';
import type { Check } from './examination.ts';
import { counted, type Finding, fault, lasting, notAsked, warning, well } from './finding.ts';

/** What waits drains within seconds of the database's return. */
const WAITING_MILLISECONDS = 300_000;

/** What emergency access writes to while the database is away. */
export const spoolCheck: Check = {
  subject: 'Spool',
  offline: true,
  async look({ spool, clock }) {
    if (spool === null)
      return [
        notAsked(
          'No spool was named: whether emergency access could go on without the database was not looked at.',
          'Give --spool, on each machine that has one.',
        ),
      ];
    const { undrained, oldest, damaged, writable } = await spoolState(spool);
    const findings: Finding[] = [];
    if (!writable)
      findings.push(
        fault(
          'Nothing can be written to the spool: without the database there would be no emergency access.',
          'See that the folder exists, belongs to the application’s account, and that its disk is not full.',
        ),
      );
    if (damaged > 0)
      findings.push(
        fault(
          `${counted(damaged, 'file')} of the spool lost something in the middle.`,
          'Keep the folder as it is, and look at the disk: what is lost there is on no log.',
        ),
      );
    if (undrained > 0) {
      const age = clock.now() - (oldest?.getTime() ?? clock.now());
      const says = `${counted(undrained, 'event')} wait in the spool, the oldest for ${lasting(age)}.`;
      const cure = 'They drain by themselves once a process runs and reaches the database. Do not delete the folder.';
      findings.push(age > WAITING_MILLISECONDS ? fault(says, cure) : warning(says, cure));
    }
    return findings.length > 0 ? findings : [well('The spool is empty and can be written.')];
  },
};
