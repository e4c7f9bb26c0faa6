import type { WorkspaceSettings } from '@countersign/core';
import { format } from '../strings/format.ts';
import { DataTable } from './data-table.tsx';
import { instantFormatter } from './format-instant.ts';
import { Notice } from './notice.tsx';
import type { SettingsCatalogue } from './settings-values.ts';
import { settingsDifference } from './settings-words.ts';
import { useShell } from './shell.ts';

export interface SettingsConflictProps {
  /** Who saved in the meantime; null where no person did. */
  readonly by: string | null;
  readonly at: Date;
  readonly saved: WorkspaceSettings;
  readonly yours: WorkspaceSettings;
  readonly catalogue: SettingsCatalogue;
}

/** Somebody else saved first (409): where both sides differ; the form below still holds the administrator's own choices. */
export function SettingsConflict({ by, at, saved, yours, catalogue }: SettingsConflictProps) {
  const shell = useShell();
  const { conflict, history, noneChosen } = shell.strings.settings;
  const when = instantFormatter(shell.lang, shell.timeZone)(at);
  const rows = settingsDifference(saved, yours, catalogue, shell).map(({ key, label, from, to }) => ({
    key,
    cells: [label, from ?? noneChosen, to],
  }));
  return (
    <div class="cs-section cs-reading">
      <Notice kind="error" heading={conflict.heading}>
        <p>{format(conflict.text, { who: by ?? history.notAPerson, when })}</p>
      </Notice>
      {rows.length > 0 && (
        <DataTable
          caption={conflict.heading}
          captionHidden
          columns={[conflict.setting, conflict.saved, conflict.yours]}
          rows={rows}
        />
      )}
    </div>
  );
}
