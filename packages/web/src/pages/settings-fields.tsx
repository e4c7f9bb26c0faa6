import { format, formatPeriod } from '../strings/format.ts';
import type { Strings } from '../strings/strings.ts';
import type { SettingsCategory, SettingsValues } from './settings-values.ts';
import { useShell } from './shell.ts';

/** What is wrong with a field. */
export interface SettingsErrors {
  readonly categories?: 'categories_unknown';
  readonly graceMinutes?: 'grace_not_a_number' | 'grace_out_of_range';
}

/** The bounds the code allows, in minutes. */
export interface GraceBounds {
  readonly minMinutes: number;
  readonly maxMinutes: number;
}

export interface SettingsFieldsProps {
  readonly values: SettingsValues;
  readonly categories: readonly SettingsCategory[];
  readonly graceBounds: GraceBounds;
  readonly errors: SettingsErrors;
  /** The first wrong field takes the focus; false where something else on the page does. */
  readonly focusError: boolean;
}

/** The words of a field's error. */
export function settingsErrorText(
  error: 'categories_unknown' | 'grace_not_a_number' | 'grace_out_of_range',
  strings: Strings,
  bounds: GraceBounds,
): string {
  return format(strings.settings.errors[error], { min: bounds.minMinutes, max: bounds.maxMinutes });
}

/** Enabled, categories and grace: fields `enabled` (`on`), `categories` (an id, repeated) and `graceMinutes`. */
export function SettingsFields(props: SettingsFieldsProps) {
  const { strings } = useShell();
  const text = strings.settings;
  const { values, categories, graceBounds, errors } = props;
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
      <fieldset
        class={errors.categories === undefined ? 'cs-field' : 'cs-field cs-field-wrong'}
        id="cs-categories"
        tabindex={-1}
        aria-describedby={
          errors.categories === undefined ? 'cs-categories-hint' : 'cs-categories-error cs-categories-hint'
        }
        autofocus={props.focusError && errors.categories !== undefined}
      >
        <legend class="cs-label">{text.categories}</legend>
        <p class="cs-hint" id="cs-categories-hint">
          {categories.length === 0 ? text.noCategories : text.categoriesHint}
        </p>
        {errors.categories !== undefined && (
          <FieldError id="cs-categories-error" text={settingsErrorText(errors.categories, strings, graceBounds)} />
        )}
        {categories.map((category, index) => (
          <CategoryChoice
            key={category.id}
            category={category}
            inputId={`cs-category-${index}`}
            checked={values.categories.includes(category.id)}
          />
        ))}
      </fieldset>
      <div class={errors.graceMinutes === undefined ? 'cs-field' : 'cs-field cs-field-wrong'}>
        <label class="cs-label" for="cs-grace">
          {text.grace}
        </label>
        <p class="cs-hint" id="cs-grace-hint">
          {format(text.graceHint, { min: graceBounds.minMinutes, max: graceBounds.maxMinutes })}
        </p>
        {errors.graceMinutes !== undefined && (
          <FieldError id="cs-grace-error" text={settingsErrorText(errors.graceMinutes, strings, graceBounds)} />
        )}
        {/* Text, not type=number: a browser throws away what it cannot read as a number, and a turn of the wheel changes it. */}
        <input
          class="cs-input cs-input-short"
          id="cs-grace"
          name="graceMinutes"
          type="text"
          inputmode="numeric"
          value={values.graceMinutes}
          required
          aria-describedby={errors.graceMinutes === undefined ? 'cs-grace-hint' : 'cs-grace-error cs-grace-hint'}
          aria-invalid={errors.graceMinutes === undefined ? undefined : true}
          autofocus={props.focusError && errors.categories === undefined && errors.graceMinutes !== undefined}
        />
      </div>
    </>
  );
}

function FieldError({ id, text }: { readonly id: string; readonly text: string }) {
  const { common } = useShell().strings;
  return (
    <p class="cs-error cs-error-text" id={id}>
      <span class="cs-hidden">{common.errorLabel} </span>
      {text}
    </p>
  );
}

interface CategoryChoiceProps {
  readonly category: SettingsCategory;
  readonly inputId: string;
  readonly checked: boolean;
}

function CategoryChoice({ category, inputId, checked }: CategoryChoiceProps) {
  const { lang, strings } = useShell();
  const text = strings.settings;
  const grace = category.fixedGraceSeconds;
  return (
    <div class="cs-choice">
      <input id={inputId} type="checkbox" name="categories" value={category.id} checked={checked} />
      <label for={inputId}>
        <span class="cs-choice-name">{category.name}</span>{' '}
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
      </label>
    </div>
  );
}
