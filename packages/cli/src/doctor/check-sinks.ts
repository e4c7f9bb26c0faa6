import { z } from 'zod';
import type { Check } from './examination.ts';
import { fault, lasting, warning, well } from './finding.ts';

const about = z.object({ sink: z.string(), kind: z.string() });
/** Only changes of state are on the log: this many go far back. */
const MOST_EVENTS = 500;
const CURE =
  'See that it is up and reachable. What it missed follows by itself; until then nothing newer is out of reach of this database’s administrators.';

/** Whether what goes off the box gets there, as the log tells it. */
export const sinksCheck: Check = {
  subject: 'Sinks',
  async look({ inspection, clock }) {
    const events = await inspection.systemEvents(
      ['AUDIT_SINK_FAILED', 'AUDIT_SINK_RECOVERED', 'CONFIGURATION_APPLIED'],
      MOST_EVENTS,
    );
    const startedAt = events.find(({ code }) => code === 'CONFIGURATION_APPLIED')?.at ?? 0;
    const seen = new Set<string>();
    const findings = [];
    for (const { code, at, details } of events) {
      const named = code === 'CONFIGURATION_APPLIED' ? null : about.safeParse(JSON.parse(details ?? 'null')).data;
      if (named == null || seen.has(`${named.kind} ${named.sink}`)) continue;
      seen.add(`${named.kind} ${named.sink}`);
      if (code !== 'AUDIT_SINK_FAILED') continue;
      const says = `The sink ${named.sink} has taken no ${named.kind} for ${lasting(clock.now() - at)}`;
      // A process that was started since tells of a sink's recovery only if it has told of its failure.
      findings.push(
        at > startedAt
          ? fault(`${says}.`, CURE)
          : warning(`${says}, or has recovered with the start of a process since.`, CURE),
      );
    }
    return findings.length > 0 ? findings : [well('No sink is known to fail.')];
  },
};
