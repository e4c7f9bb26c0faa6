import type { Check } from './examination.ts';
import { type Finding, fault, warning, well } from './finding.ts';

/** Whether what was acknowledged is on disk, and a session of the server is a session. */
export const serverCheck: Check = {
  subject: 'Database server',
  async look({ inspection, production }) {
    if (!inspection.shared) {
      const says = 'This is the embedded database: a crash of the machine can lose events that were acknowledged.';
      const cure = 'Use a PostgreSQL server in production.';
      return [production ? fault(says, cure) : warning(says, cure)];
    }
    const { fsync, fullPageWrites, synchronousCommit, version, inRecovery } = await inspection.durability();
    const findings: Finding[] = [];
    if (inRecovery)
      findings.push(fault('This server is a replica: nothing can be written there.', 'Name the primary.'));
    if (fsync !== 'on')
      findings.push(
        fault('fsync is off: a power cut can lose what was acknowledged, and the database with it.', 'Set fsync = on.'),
      );
    if (fullPageWrites !== 'on')
      findings.push(
        fault(
          'full_page_writes is off: a power cut can leave pages that are half written.',
          'Set full_page_writes = on.',
        ),
      );
    if (synchronousCommit === 'off')
      findings.push(
        warning(
          'synchronous_commit is off. Events are committed with it on all the same; counted attempts may be lost in a crash.',
          'Set synchronous_commit = on for this role or database.',
        ),
      );
    const major = Number.parseInt(version, 10);
    if (!(major >= 14 && major <= 18))
      findings.push(
        warning(`PostgreSQL ${version} is not among those that this release was tested with.`, 'Use 14 to 18.'),
      );
    if (await inspection.pooled())
      findings.push(
        fault(
          'A transaction pooler stands before the server: locks and LISTEN do not survive it.',
          'Give openStore the address of the server itself as listenUrl, and doctor the same with --direct.',
        ),
      );
    return findings.length > 0 ? findings : [well(`PostgreSQL ${version} has on disk what it acknowledges.`)];
  },
};
