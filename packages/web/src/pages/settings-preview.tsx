import type { SettingsPreview as Preview } from '@countersign/core';
import { format, formatCount } from '../strings/format.ts';
import { DataTable } from './data-table.tsx';
import { instantFormatter } from './format-instant.ts';
import { categoryText, type SettingsCatalogue } from './settings-values.ts';
import { useShell } from './shell.ts';

export interface SettingsPreviewProps {
  readonly preview: Preview;
  readonly catalogue: SettingsCatalogue;
}

/** Most rows of people and of categories: those with the greatest difference come first. */
const ROWS = 20;

/** Who would have been asked with the settings in the form. */
export function SettingsPreview({ preview, catalogue }: SettingsPreviewProps) {
  const { lang, strings, timeZone } = useShell();
  const { preview: text } = strings.settings;
  const written = instantFormatter(lang, timeZone);
  const number = new Intl.NumberFormat(lang);
  const counts = (label: string, { before, after }: { readonly before: number; readonly after: number }) => ({
    key: label,
    cells: [label, number.format(before), number.format(after)],
  });
  const differs = ({ before, after }: { readonly before: number; readonly after: number }) => before !== after;
  const users = preview.users.filter(differs).slice(0, ROWS);
  const categories = preview.categories.filter(differs).slice(0, ROWS);
  const columns = [text.what, text.before, text.after];
  return (
    <section class="cs-section cs-reading" id="cs-preview" aria-labelledby="cs-preview-heading" tabindex={-1}>
      <h2 id="cs-preview-heading">{text.heading}</h2>
      <p role="status">
        {format(text.text, { from: written(preview.from), until: written(preview.until) })}{' '}
        {preview.people === 0 ? text.same : formatCount(text.people, preview.people, lang)}{' '}
        {preview.withoutStrongFactor > 0 && formatCount(text.weak, preview.withoutStrongFactor, lang)}
      </p>
      {preview.cut && <p>{text.cut}</p>}
      <DataTable
        caption={text.heading}
        captionHidden
        columns={columns}
        rows={[
          counts(text.asked, preview.asked),
          ...(preview.refused.before + preview.refused.after > 0 ? [counts(text.refused, preview.refused)] : []),
        ]}
      />
      {categories.length > 0 && (
        <DataTable
          caption={text.byCategory}
          columns={columns}
          rows={categories.map((row) =>
            counts(row.categoryId === null ? text.actionAlone : categoryText(row.categoryId, catalogue), row),
          )}
        />
      )}
      {users.length > 0 && (
        <DataTable caption={text.byUser} columns={columns} rows={users.map((row) => counts(row.userId, row))} />
      )}
      {preview.unknown.length > 0 && (
        <>
          <h3 class="cs-subheading">{text.unknownHeading}</h3>
          <ul>
            {preview.unknown.map((kind) => (
              <li key={kind}>{text.unknown[kind]}</li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
