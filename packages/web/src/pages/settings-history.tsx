import { format } from '../strings/format.ts';
import { DataTable } from './data-table.tsx';
import { instantFormatter } from './format-instant.ts';
import { Instant } from './instant.tsx';
import { categoriesText, enabledText, graceText, type SettingsCategory } from './settings-values.ts';
import { type Shell, useShell } from './shell.ts';

/** One setting that changed; `from` is null where nothing was saved before. */
export type SettingsChange =
  | { readonly field: 'enabled'; readonly from: boolean | null; readonly to: boolean }
  | { readonly field: 'categories'; readonly from: readonly string[] | null; readonly to: readonly string[] }
  | { readonly field: 'graceMinutes'; readonly from: number | null; readonly to: number }
  /** A setting this page has no field for; its name and values are shown as they are. */
  | { readonly field: 'other'; readonly name: string; readonly from: string | null; readonly to: string };

/** One save, newest first in the list. */
export interface SettingsHistoryEntry {
  /** The version it made. */
  readonly version: number;
  readonly at: Date;
  /** Display name or user id; null where no person did it. */
  readonly by: string | null;
  readonly changes: readonly SettingsChange[];
}

export interface SettingsHistoryProps {
  readonly history: readonly SettingsHistoryEntry[];
  readonly categories: readonly SettingsCategory[];
}

/** Who changed what, and when. */
export function SettingsHistory({ history, categories }: SettingsHistoryProps) {
  const shell = useShell();
  const text = shell.strings.settings.history;
  const written = instantFormatter(shell.lang, shell.timeZone);
  return (
    <section class="cs-section" aria-labelledby="cs-history">
      <h2 id="cs-history">{text.heading}</h2>
      {history.length === 0 ? (
        <p>{text.empty}</p>
      ) : (
        <DataTable
          caption={text.heading}
          captionHidden
          columns={[text.when, text.who, text.what]}
          rows={history.map((entry) => ({
            key: String(entry.version),
            cells: [
              <Instant key="when" at={entry.at} text={written(entry.at)} />,
              entry.by ?? text.notAPerson,
              <ul key="what" class="cs-changes">
                {entry.changes.map((change) => (
                  <li key={change.field === 'other' ? change.name : change.field}>
                    <span class="cs-change-field">{fieldName(change, shell)}</span>{' '}
                    {changeText(change, categories, shell)}
                  </li>
                ))}
              </ul>,
            ],
          }))}
        />
      )}
    </section>
  );
}

function fieldName(change: SettingsChange, { strings }: Shell): string {
  return change.field === 'other' ? change.name : strings.settings.fields[change.field];
}

function changeText(change: SettingsChange, declared: readonly SettingsCategory[], shell: Shell): string {
  const { history } = shell.strings.settings;
  const [from, to] = wordsOf(change, declared, shell);
  return from === null ? format(history.firstValue, { to }) : format(history.change, { from, to });
}

function wordsOf(change: SettingsChange, declared: readonly SettingsCategory[], shell: Shell): [string | null, string] {
  switch (change.field) {
    case 'enabled':
      return [change.from === null ? null : enabledText(change.from, shell), enabledText(change.to, shell)];
    case 'categories':
      return [
        change.from === null ? null : categoriesText(change.from, declared, shell),
        categoriesText(change.to, declared, shell),
      ];
    case 'graceMinutes':
      return [change.from === null ? null : graceText(change.from, shell), graceText(change.to, shell)];
    case 'other':
      return [change.from, change.to];
  }
}
