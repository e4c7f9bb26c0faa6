import { format, formatList, textFor } from '../strings/format.ts';
import { userText } from './audit-event-words.tsx';
import { type AuditFilterErrors, type AuditFilterValues, PeriodFields, TextInput } from './audit-filter.tsx';
import { DataTable } from './data-table.tsx';
import { instantFormatter } from './format-instant.ts';
import { Instant } from './instant.tsx';
import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { safeHref } from './safe-href.ts';
import { useShell } from './shell.ts';

/** Who opened what, when and why that was allowed. */
export interface PatientAccessRow {
  readonly id: string;
  readonly href: string;
  readonly at: Date;
  readonly user: string | null;
  readonly actor: string | null;
  readonly action: string | null;
  readonly categories: readonly string[];
  readonly route: string | null;
  readonly basis: 'proof' | 'one-shot' | 'emergency-access' | 'listed' | 'exemption' | 'started' | 'ended' | null;
  /** The rule of an exemption; of what has no basis that we know, the recorded reason. */
  readonly rule: string | null;
}

/** One person's accesses, counted. */
export interface PatientReaderRow {
  readonly user: string | null;
  readonly actor: string | null;
  readonly accesses: number;
  readonly emergency: number;
  readonly first: Date;
  readonly last: Date;
}

export interface PatientReportPageProps {
  readonly formAction: string;
  readonly values: Pick<AuditFilterValues, 'patientId' | 'from' | 'until'>;
  readonly errors: AuditFilterErrors;
  readonly listHref: string;
  /** Absent until a patient was asked for. */
  readonly report?:
    | {
        readonly people: readonly PatientReaderRow[];
        readonly accesses: readonly PatientAccessRow[];
        readonly more: boolean;
        readonly allHref: string;
      }
    | undefined;
}

/** Who opened a patient's records: to be read, and to be printed for the patient. */
export function PatientReportPage(props: PatientReportPageProps) {
  const { formAction, values, errors, report, listHref } = props;
  const { lang, strings } = useShell();
  const { audit } = strings;
  const text = audit.report;
  return (
    <Layout title={text.title} page="audit" width="wide" error={Object.keys(errors).length > 0}>
      <form
        class="cs-filter cs-no-print"
        method="get"
        action={safeHref(formAction)}
        novalidate
        aria-label={audit.filter}
      >
        <TextInput name="patientId" label={text.patient} value={values.patientId} required />
        <PeriodFields values={values} errors={errors} />
        <div class="cs-filter-actions">
          <button class="cs-button" type="submit">
            {text.show}
          </button>
          <Link href={listHref}>{audit.event.back}</Link>
        </div>
      </form>
      {report !== undefined && (
        <>
          <p>{periodOf(values, text.period)}</p>
          <p class="cs-hint cs-no-print">
            {text.audited} {text.print}
          </p>
          {report.more && (
            <p>{format(text.cut, { count: new Intl.NumberFormat(lang).format(report.accesses.length) })}</p>
          )}
          {report.accesses.length === 0 ? (
            <p class="cs-empty">{text.empty}</p>
          ) : (
            <Accesses people={report.people} accesses={report.accesses} />
          )}
          <p class="cs-actions cs-no-print">
            <Link href={report.allHref}>{text.all}</Link>
          </p>
        </>
      )}
    </Layout>
  );
}

function Accesses({
  people,
  accesses,
}: {
  readonly people: readonly PatientReaderRow[];
  readonly accesses: readonly PatientAccessRow[];
}) {
  const { lang, strings, timeZone = 'UTC' } = useShell();
  const { audit } = strings;
  const text = audit.report;
  const written = instantFormatter(lang, timeZone, true);
  const number = new Intl.NumberFormat(lang);
  return (
    <>
      {people.length > 0 && (
        <>
          <h2>{text.people}</h2>
          <DataTable
            caption={text.peopleCaption}
            captionHidden
            columns={[text.person, text.accesses, text.emergency, text.first, text.last]}
            rows={people.map((person, index) => ({
              key: String(index),
              cells: [
                userText(person, strings),
                number.format(person.accesses),
                person.emergency === 0 ? null : number.format(person.emergency),
                <Instant key="first" at={person.first} text={written(person.first)} />,
                <Instant key="last" at={person.last} text={written(person.last)} />,
              ],
            }))}
          />
        </>
      )}
      <h2>{text.listHeading}</h2>
      <DataTable
        caption={format(text.listCaption, { timeZone })}
        columns={[audit.time, text.person, text.what, audit.categories, audit.fields.route, text.basis]}
        rows={accesses.map((access) => ({
          key: access.id,
          cells: [
            <Link key="time" href={access.href}>
              <Instant at={access.at} text={written(access.at)} />
            </Link>,
            userText(access, strings),
            access.action === null ? null : textFor(audit.actionNames, access.action, access.action),
            access.categories.length === 0 ? null : formatList(access.categories, lang),
            access.route,
            access.basis === null ? access.rule : format(text.bases[access.basis], { rule: access.rule ?? '' }),
          ],
        }))}
      />
    </>
  );
}

function periodOf(
  { patientId: patient, from, until }: PatientReportPageProps['values'],
  texts: Readonly<Record<'all' | 'from' | 'until' | 'both', string>>,
): string {
  const which = from === '' ? (until === '' ? 'all' : 'until') : until === '' ? 'from' : 'both';
  return format(texts[which], { patient, from, until });
}
