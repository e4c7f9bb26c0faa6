import type { AuditOutcome } from '@countersign/core';
import { format, formatList, textFor } from '../strings/format.ts';
import type { Strings } from '../strings/strings.ts';
import { AuditFilter, type AuditFilterProps } from './audit-filter.tsx';
import { DataTable } from './data-table.tsx';
import { instantFormatter } from './format-instant.ts';
import { Instant } from './instant.tsx';
import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { type Shell, useShell } from './shell.ts';

/** One event as the list shows it. */
export interface AuditRow {
  readonly id: string;
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

export interface AuditPageProps {
  readonly filter: AuditFilterProps;
  /** Newest first. */
  readonly rows: readonly AuditRow[];
  readonly olderHref?: string | undefined;
  /** Given on every page but the first. */
  readonly newestHref?: string | undefined;
}

/** A simple list of the audit log: filter, page back, read. */
export function AuditPage({ filter, rows, olderHref, newestHref }: AuditPageProps) {
  const shell = useShell();
  const text = shell.strings.audit;
  const timeZone = shell.timeZone ?? 'UTC';
  const written = instantFormatter(shell.lang, timeZone, true);
  return (
    <Layout title={text.title} page="audit" width="wide" error={Object.keys(filter.errors ?? {}).length > 0}>
      <AuditFilter {...filter} />
      {rows.length === 0 ? (
        <p class="cs-empty">{text.empty}</p>
      ) : (
        <DataTable
          caption={format(text.caption, { timeZone })}
          columns={[
            text.time,
            text.code,
            text.outcome,
            text.userId,
            text.patientId,
            text.categories,
            text.action,
            text.factor,
            text.reason,
          ]}
          rows={rows.map((row) => ({ key: row.id, cells: cellsOf(row, written, shell) }))}
        />
      )}
      {(olderHref !== undefined || newestHref !== undefined) && (
        <p class="cs-actions">
          <Link href={olderHref} look="secondary">
            {text.older}
          </Link>
          <Link href={newestHref}>{text.newest}</Link>
        </p>
      )}
    </Layout>
  );
}

function cellsOf(row: AuditRow, written: (at: Date) => string, { lang, strings }: Shell) {
  const { audit } = strings;
  const named = textFor(audit.codes, row.code, row.code);
  return [
    <Instant key="time" at={row.at} text={written(row.at)} />,
    <span key="code">
      {named}
      {named !== row.code && (
        <>
          {' '}
          <span class="cs-raw">
            <Breakable text={row.code} />
          </span>
        </>
      )}
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

function userText(row: AuditRow, { audit, common }: Strings): string | null {
  const { actor = null, user } = row;
  return actor === null ? user : format(audit.actorFor, { actor, user: user ?? common.empty });
}

/** A code that may break after an underscore, and nowhere else if that is enough. */
function Breakable({ text }: { readonly text: string }) {
  return text.split(/(?<=_)/).flatMap((part, index) => (index === 0 ? [part] : [<wbr key={index} />, part]));
}
