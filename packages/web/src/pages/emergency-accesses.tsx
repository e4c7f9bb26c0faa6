import { format, formatList, textFor } from '../strings/format.ts';
import { DataTable } from './data-table.tsx';
import { instantFormatter } from './format-instant.ts';
import { Instant } from './instant.tsx';
import { useShell } from './shell.ts';

/** One event under an emergency access. */
export interface AccessRow {
  readonly id: string;
  readonly at: Date;
  readonly code: string;
  readonly action: string | null;
  /** Category names, or ids that are no longer declared. */
  readonly categories: readonly string[];
  /** Method and route template. */
  readonly route: string | null;
}

export interface AccessesProps {
  readonly heading: string;
  readonly none: string;
  readonly rows: readonly AccessRow[];
}

/** What happened under an emergency access, oldest first. */
export function Accesses({ heading, none, rows }: AccessesProps) {
  const { lang, strings, timeZone } = useShell();
  const { audit, reviews } = strings;
  const written = instantFormatter(lang, timeZone, true);
  return (
    <section class="cs-section" aria-labelledby="cs-accesses">
      <h2 id="cs-accesses">{heading}</h2>
      {rows.length === 0 ? (
        <p class="cs-empty">{none}</p>
      ) : (
        <DataTable
          caption={format(reviews.caption, { timeZone: timeZone ?? 'UTC' })}
          columns={[audit.time, reviews.record.event, audit.action, audit.categories, reviews.detail.route]}
          rows={rows.map((row) => ({
            key: row.id,
            cells: [
              <Instant key="time" at={row.at} text={written(row.at)} />,
              textFor(audit.codes, row.code, row.code),
              row.action === null ? null : textFor(audit.actionNames, row.action, row.action),
              row.categories.length === 0 ? null : formatList(row.categories, lang),
              row.route,
            ],
          }))}
        />
      )}
    </section>
  );
}
