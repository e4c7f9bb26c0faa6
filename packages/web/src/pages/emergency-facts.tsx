import type { EmergencyGrant } from '@countersign/core';
import { textFor } from '../strings/format.ts';
import { emergencyParticulars } from './emergency-page.tsx';
import { type FactRow, Facts } from './facts.tsx';
import { instantFormatter } from './format-instant.ts';
import { Instant } from './instant.tsx';
import { Link } from './link.tsx';
import { useShell } from './shell.ts';

export interface EmergencyFactsProps {
  readonly grant: EmergencyGrant;
  readonly patientLabel?: string | undefined;
  /** Whose it is; left out on the person's own pages. */
  readonly person?: boolean;
  /** Where the earlier one is shown that this one opens again. */
  readonly earlierHref?: string | undefined;
}

/** What is known of one emergency access. */
export function EmergencyFacts({ grant, patientLabel, person = false, earlierHref }: EmergencyFactsProps) {
  const { lang, strings, timeZone } = useShell();
  const { emergency: text } = strings;
  const { facts } = text;
  const written = instantFormatter(lang, timeZone);
  const instant = (at: Date) => <Instant at={at} text={written(at)} />;
  const waits = grant.status === 'waiting' || grant.status === 'declined';
  const rows: FactRow[] = [
    ...(person ? [[facts.person, grant.userId] as const] : []),
    ...(grant.patientId === null
      ? [[facts.for, text.for[grant.purpose]] as const]
      : [[facts.patient, patientLabel ?? grant.patientId] as const]),
    [waits ? facts.asked : facts.opened, instant(grant.openedAt)],
    [facts.ends, grant.status === 'open' ? instant(grant.endsAt) : null],
    [
      facts.ended,
      grant.status === 'ended' && grant.endedAt !== null ? (
        <>
          {instant(grant.endedAt)}
          {grant.endedBy !== null && ` (${facts.endedBy[grant.endedBy]})`}
        </>
      ) : null,
    ],
    [facts.approvedBy, grant.approvedBy],
    [text.reason, <span class="cs-resend-text">{grant.reason}</span>],
    [text.purposeOfUse, textFor(text.purposesOfUse, grant.purposeOfUse, grant.purposeOfUse)],
    ...emergencyParticulars.map((field): FactRow => [text.fields[field], grant[field]]),
    [
      facts.reopens,
      grant.reopens === null ? null : (
        <>
          {facts.reopened} <Link href={earlierHref}>{facts.seeEarlier}</Link>
        </>
      ),
    ],
  ];
  return <Facts rows={rows} />;
}
