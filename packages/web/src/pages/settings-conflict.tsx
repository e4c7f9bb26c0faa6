import { format } from '../strings/format.ts';
import { DataTable } from './data-table.tsx';
import { instantFormatter } from './format-instant.ts';
import { Notice } from './notice.tsx';
import {
  categoriesText,
  enabledText,
  graceText,
  type SettingsCategory,
  type SettingsValues,
} from './settings-values.ts';
import { useShell } from './shell.ts';

export interface SettingsConflictProps {
  /** Who saved in the meantime; null where no person did. */
  readonly by: string | null;
  readonly at: Date;
  readonly saved: SettingsValues;
  readonly yours: SettingsValues;
  readonly categories: readonly SettingsCategory[];
}

/** Somebody else saved first (409): both sides by side; the form below still holds the administrator's own choices. */
export function SettingsConflict({ by, at, saved, yours, categories }: SettingsConflictProps) {
  const shell = useShell();
  const { conflict, fields, history } = shell.strings.settings;
  const when = instantFormatter(shell.lang, shell.timeZone)(at);
  const row = (field: keyof typeof fields, write: (values: SettingsValues) => string) => ({
    key: field,
    cells: [fields[field], write(saved), write(yours)],
  });
  return (
    <div class="cs-section cs-reading">
      <Notice kind="error" heading={conflict.heading}>
        <p>{format(conflict.text, { who: by ?? history.notAPerson, when })}</p>
      </Notice>
      <DataTable
        caption={conflict.heading}
        captionHidden
        columns={[conflict.setting, conflict.saved, conflict.yours]}
        rows={[
          row('enabled', (values) => enabledText(values.enabled, shell)),
          row('categories', (values) => categoriesText(values.categories, categories, shell)),
          row('graceMinutes', (values) => graceText(values.graceMinutes, shell)),
        ]}
      />
    </div>
  );
}
