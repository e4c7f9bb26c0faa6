import { format, formatList, textFor } from '../strings/format.ts';
import { DataTable } from './data-table.tsx';
import { emergencyParticulars } from './emergency-page.tsx';
import { type FactRow, Facts } from './facts.tsx';
import { instantFormatter } from './format-instant.ts';
import { Instant } from './instant.tsx';
import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { useShell } from './shell.ts';

export interface EmergencyRecordPageProps {
  /** As it is given to the patient; instants in ISO 8601. */
  readonly record: {
    readonly patientId: string | null;
    readonly who: string;
    readonly from: string;
    readonly until: string;
    readonly why: string;
    readonly purposeOfUse: string;
    readonly recipient: string | null;
    readonly facility: string | null;
    readonly nature: string | null;
    readonly opened: readonly {
      readonly at: string;
      readonly action: string | null;
      readonly categories: readonly string[];
      readonly route: string | null;
    }[];
  };
  readonly patientLabel?: string | undefined;
  readonly backHref: string;
  readonly csvHref: string;
  readonly jsonHref: string;
}

/** What a patient may be given: who, when, why, and what was opened. No review, no note, nobody else. */
export function EmergencyRecordPage({ record, patientLabel, ...props }: EmergencyRecordPageProps) {
  const { lang, strings, timeZone } = useShell();
  const { audit, challenge, emergency, reviews } = strings;
  const { record: text, detail } = reviews;
  const written = instantFormatter(lang, timeZone, true);
  const instant = (at: string) => <Instant at={new Date(at)} text={written(new Date(at))} />;
  const rows: FactRow[] = [
    [challenge.patient, patientLabel ?? record.patientId],
    [emergency.facts.person, record.who],
    [emergency.facts.opened, instant(record.from)],
    [emergency.facts.ended, instant(record.until)],
    [emergency.reason, <span class="cs-resend-text">{record.why}</span>],
    [emergency.purposeOfUse, textFor(emergency.purposesOfUse, record.purposeOfUse, record.purposeOfUse)],
    ...emergencyParticulars.map((field): FactRow => [emergency.fields[field], record[field]]),
  ];
  return (
    <Layout title={text.title} width="wide">
      <p>{text.intro}</p>
      <div class="cs-reading cs-about">
        <Facts rows={rows} />
      </div>
      <section class="cs-section" aria-labelledby="cs-opened">
        <h2 id="cs-opened">{text.heading}</h2>
        {record.opened.length === 0 ? (
          <p class="cs-empty">{text.none}</p>
        ) : (
          <DataTable
            caption={format(reviews.caption, { timeZone: timeZone ?? 'UTC' })}
            columns={[audit.time, audit.action, audit.categories, detail.route]}
            rows={record.opened.map(({ at, action, categories, route }, index) => ({
              key: String(index),
              cells: [
                instant(at),
                action === null ? null : textFor(audit.actionNames, action, action),
                categories.length === 0 ? null : formatList(categories, lang),
                route,
              ],
            }))}
          />
        )}
      </section>
      <p class="cs-actions cs-no-print">
        <button class="cs-button" type="button" data-cs-print="" hidden>
          {text.print}
        </button>
        <Link href={props.csvHref} look="secondary">
          {text.csv}
        </Link>
        <Link href={props.jsonHref} look="secondary">
          {text.json}
        </Link>
        <Link href={props.backHref}>{reviews.back}</Link>
      </p>
    </Layout>
  );
}
