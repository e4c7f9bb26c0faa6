import type { WorkspaceSettings } from '@countersign/core';
import { format } from '../strings/format.ts';
import { DataTable } from './data-table.tsx';
import { instantFormatter } from './format-instant.ts';
import { Instant } from './instant.tsx';
import type { SettingsCatalogue } from './settings-values.ts';
import { type SettingDifference, settingsDifference } from './settings-words.ts';
import { useShell } from './shell.ts';

/** One save, newest first in the list. */
export interface SettingsHistoryEntry {
  /** The version it made. */
  readonly version: number;
  readonly at: Date;
  /** User id; null where no person did it. */
  readonly by: string | null;
  readonly proposedBy: string | null;
  /** Null where nothing was saved before. */
  readonly before: WorkspaceSettings | null;
  readonly after: WorkspaceSettings;
}

export interface SettingsHistoryProps {
  readonly history: readonly SettingsHistoryEntry[];
  readonly catalogue: SettingsCatalogue;
}

/** Who changed what, and when. */
export function SettingsHistory({ history, catalogue }: SettingsHistoryProps) {
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
          rows={history.map(({ version, at, by, proposedBy, before, after }) => ({
            key: String(version),
            cells: [
              <Instant key="when" at={at} text={written(at)} />,
              whoText(by ?? text.notAPerson, proposedBy, text.proposedBy),
              <SettingsDifferences key="what" changes={settingsDifference(before, after, catalogue, shell)} />,
            ],
          }))}
        />
      )}
    </section>
  );
}

const whoText = (who: string, proposer: string | null, both: string): string =>
  proposer === null ? who : format(both, { who, proposer });

/** What became what, in words. */
export function SettingsDifferences({ changes }: { readonly changes: readonly SettingDifference[] }) {
  const { history: text } = useShell().strings.settings;
  if (changes.length === 0) return <>{text.nothing}</>;
  return (
    <ul class="cs-changes">
      {changes.map(({ key, label, from, to }) => (
        <li key={key}>
          <span class="cs-change-field">{label}</span>{' '}
          {from === null ? format(text.firstValue, { to }) : format(text.change, { from, to })}
        </li>
      ))}
    </ul>
  );
}
