import type { Check } from './examination.ts';
import { type Finding, fault, lasting, notAsked, warning, well } from './finding.ts';
import { askTime } from './sntp.ts';

/** A TOTP code lives for 30 seconds, and `createCountersign` refuses to start beyond it. */
const FAULT_MILLISECONDS = 30_000;
/** What NTP keeps clocks far below. */
const WARNING_MILLISECONDS = 2_000;

const CURE =
  'Synchronise this machine and the database’s by NTP: right codes would be refused, and the log would tell wrong times.';

/** This machine's clock beside the database's, and beside an NTP server's where one answers. */
export const clockCheck: Check = {
  subject: 'Clock',
  async look({ store, clock, ntpHost }) {
    const began = clock.elapsed();
    const ours = clock.now();
    const theirs = await store.now();
    const way = clock.elapsed() - began;
    const findings = [judged('the database’s', theirs - (ours + way / 2), way / 2)];

    const answer = await askTime(ntpHost ?? '127.0.0.1', clock);
    const whose = `that of ${ntpHost ?? 'the time server on this machine'}`;
    if (answer !== null) findings.push(judged(whose, answer.offset, answer.uncertainty));
    else if (ntpHost === null)
      findings.push(
        notAsked('No time server answers on this machine: the time itself was not checked.', 'Name one: --ntp-host.'),
      );
    else
      findings.push(
        warning(
          `${ntpHost} did not answer as a time server: the time itself was not checked.`,
          'Name one that this machine can reach.',
        ),
      );
    return findings;
  },
};

function judged(whose: string, offset: number, uncertainty: number): Finding {
  const least = Math.max(0, Math.abs(offset) - uncertainty);
  if (least <= WARNING_MILLISECONDS)
    return well(
      `This machine’s clock agrees with ${whose} within ${lasting(Math.max(1000, least + 2 * uncertainty))}.`,
    );
  const says = `This machine’s clock is ${lasting(offset)} ${offset > 0 ? 'behind' : 'ahead of'} ${whose}.`;
  return least > FAULT_MILLISECONDS ? fault(says, CURE) : warning(says, CURE);
}
