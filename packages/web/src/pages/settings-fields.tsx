import { format, formatPeriod } from '../strings/format.ts';
import { Checks, Line } from './settings-inputs.tsx';
import type { SettingsCatalogue, SettingsCategory, SettingsErrors, SettingsValues } from './settings-values.ts';
import { useShell } from './shell.ts';

export interface SettingsFieldsProps {
  readonly values: SettingsValues;
  readonly catalogue: SettingsCatalogue;
  readonly errors: SettingsErrors;
}

/** The simple part: fields `enabled` (`on`), `categories` (an id, repeated) and `graceMinutes`. */
export function SettingsFields({ values, catalogue, errors }: SettingsFieldsProps) {
  const { strings } = useShell();
  const text = strings.settings;
  const { categories, graceBounds } = catalogue;
  return (
    <>
      <div class="cs-field">
        <div class="cs-choice">
          <input
            id="cs-enabled"
            type="checkbox"
            name="enabled"
            value="on"
            checked={values.enabled}
            aria-describedby="cs-enabled-hint"
          />
          <label for="cs-enabled">{text.enabled}</label>
        </div>
        <p class="cs-hint cs-choice-hint" id="cs-enabled-hint">
          {text.enabledHint}
        </p>
      </div>
      <Checks
        path="categories"
        name="categories"
        label={text.categories}
        hint={categories.length === 0 ? text.noCategories : text.categoriesHint}
        errors={errors}
        options={categories.map((category) => ({
          value: category.id,
          label: category.name,
          extra: <CategoryMarks category={category} />,
        }))}
        chosen={values.categories}
      />
      <Line
        path="graceSeconds"
        name="graceMinutes"
        label={text.grace}
        hint={format(text.graceHint, { min: graceBounds.minMinutes, max: graceBounds.maxMinutes })}
        errors={errors}
        value={values.graceMinutes}
        numeric
        required
      />
    </>
  );
}

/** What code says of a category, in brief. */
function CategoryMarks({ category }: { readonly category: SettingsCategory }) {
  const { lang, strings } = useShell();
  const text = strings.settings;
  const grace = category.fixedGraceSeconds;
  return (
    <>
      {' '}
      <span class="cs-choice-id">{format(text.categoryId, { id: category.id })}</span>
      {category.strength === 'phishing-resistant' && (
        <>
          {' '}
          <span class="cs-badge">{text.phishingResistant}</span>
        </>
      )}
      {grace !== null && (
        <>
          {' '}
          <span class="cs-badge">
            {grace === 0 ? text.fixedEveryTime : format(text.fixedGrace, { time: formatPeriod(grace, lang) })}
          </span>
        </>
      )}
    </>
  );
}
