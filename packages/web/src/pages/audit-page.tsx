import type { AuditOutcome } from '@countersign/core';
import { format, formatList, textFor } from '../strings/format.ts';
import { Breakable, EventCode, userText } from './audit-event-words.tsx';
import { AuditFilter, type AuditFilterProps } from './audit-filter.tsx';
import { DataTable, type SortableColumn } from './data-table.tsx';
import { instantFormatter } from './format-instant.ts';
import { Instant } from './instant.tsx';
import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { safeHref } from './safe-href.ts';
import { type Shell, useShell } from './shell.ts';

/** One event as the list shows it. */
export interface AuditRow {
  readonly id: string;
  /** The page about it. */
  readonly href?: string;
  readonly at: Date;
  readonly code: string;
  readonly outcome: AuditOutcome;
  /** Display name or id. */
  readonly user: string | null;
  /** Under impersonation: the real person. */
  readonly actor?: string | null;
  readonly patient: string | null;
  /** Category names, or ids that are no longer declared. */
  readonly categories: readonly string[];
  readonly action: string | null;
  /** The factor id, such as `totp`. */
  readonly factor: string | null;
  readonly reason: string | null;
}

/** The columns, by the fields they can be sorted by. */
export const auditColumns = [
  'at',
  'code',
  'outcome',
  'userId',
  'patientId',
  'categories',
  'action',
  'factor',
  'reason',
] as const;

export interface AuditPageProps {
  readonly filter: AuditFilterProps;
  readonly rows: readonly AuditRow[];
  /** By what it is sorted. Default: newest first. */
  readonly sorted?: { readonly field: string; readonly descending: boolean } | undefined;
  /** Where each column leads, to be sorted by it. Absent: nowhere. */
  readonly sortHref?: ((field: (typeof auditColumns)[number]) => string) | undefined;
  readonly nextHref?: string | undefined;
  readonly previousHref?: string | undefined;
  /** Given on every page but the first. */
  readonly firstHref?: string | undefined;
  /** Where the search stopped, short of the end. */
  readonly lookedUntil?: Date | undefined;
  readonly exportHref?: string | undefined;
  /** Where the filter has a patient. */
  readonly reportHref?: string | undefined;
}

const NEWEST_FIRST = { field: 'at', descending: true };

/** The audit log: filter, sort, page to and fro, read. */
export function AuditPage(props: AuditPageProps) {
  const { filter, rows, sorted = NEWEST_FIRST, lookedUntil } = props;
  const shell = useShell();
  const text = shell.strings.audit;
  const written = instantFormatter(shell.lang, shell.timeZone ?? 'UTC', true);
  const inTime = sorted.field === 'at';
  const newestFirst = inTime && sorted.descending;
  return (
    <Layout title={text.title} page="audit" width="wide" error={Object.keys(filter.errors ?? {}).length > 0}>
      <AuditFilter {...filter} />
      <p class="cs-actions cs-no-print">
        <Link href={props.exportHref}>{text.exportLink}</Link>
        <Link href={props.reportHref}>{text.reportLink}</Link>
      </p>
      {rows.length === 0 ? (
        lookedUntil === undefined && <p class="cs-empty">{text.empty}</p>
      ) : (
        <DataTable
          caption={captionOf(sorted, shell)}
          columns={auditColumns.map((field): string | SortableColumn => {
            const name = text.fields[field];
            if (props.sortHref === undefined) return name;
            const direction = sorted.descending ? 'descending' : 'ascending';
            return { name, href: props.sortHref(field), sorted: field === sorted.field ? direction : undefined };
          })}
          rows={rows.map((row) => ({ key: row.id, cells: cellsOf(row, written, shell) }))}
        />
      )}
      {lookedUntil !== undefined && <p class="cs-hint">{format(text.lookedUntil, { time: written(lookedUntil) })}</p>}
      <p class="cs-actions cs-no-print">
        <Link href={props.previousHref} look="secondary">
          {newestFirst ? text.newer : text.previousPage}
        </Link>
        <Link href={props.nextHref} look="secondary">
          {lookedUntil !== undefined ? text.searchOn : newestFirst ? text.older : text.nextPage}
        </Link>
        <Link href={props.firstHref}>{newestFirst ? text.newest : text.firstPage}</Link>
      </p>
    </Layout>
  );
}

function captionOf({ field, descending }: { readonly field: string; readonly descending: boolean }, shell: Shell) {
  const { audit } = shell.strings;
  const order =
    field === 'at'
      ? audit[descending ? 'newestFirst' : 'oldestFirst']
      : format(audit.sortedBy, {
          field: textFor(audit.fields, field, field),
          direction: audit[descending ? 'descending' : 'ascending'],
        });
  return format(audit.caption, { order, timeZone: shell.timeZone ?? 'UTC' });
}

function cellsOf(row: AuditRow, written: (at: Date) => string, { lang, strings }: Shell) {
  const { audit } = strings;
  const href = safeHref(row.href);
  const named = textFor(audit.codes, row.code, row.code);
  const time = <Instant key="time" at={row.at} text={written(row.at)} />;
  return [
    href === undefined ? (
      time
    ) : (
      <a
        key="time"
        class="cs-link"
        href={href}
        aria-label={format(audit.open, { event: named, time: written(row.at) })}
      >
        {time}
      </a>
    ),
    <span key="code">
      <EventCode code={row.code} strings={strings} />
    </span>,
    <span key="outcome" class={`cs-badge cs-badge-${row.outcome}`}>
      {audit.outcomes[row.outcome]}
    </span>,
    userText(row, strings),
    row.patient,
    row.categories.length === 0 ? null : formatList(row.categories, lang),
    row.action === null ? null : textFor(audit.actionNames, row.action, row.action),
    row.factor === null ? null : textFor(strings.factorNames, row.factor, row.factor),
    row.reason === null ? null : <Breakable key="reason" text={row.reason} />,
  ];
}
