import { format, formatList } from '../strings/format.ts';
import type { SettingsFieldsProps } from './settings-fields.tsx';
import { Checks, isWrongBelow, Line, Section, Select } from './settings-inputs.tsx';
import { actionText, type CategoryValues, type SettingsCatalogue, type SettingsCategory } from './settings-values.ts';
import { useShell } from './shell.ts';

/** Grace period, strength, scope and actions of single categories: fields `grace.<id>`, `strength.<id>`, `scope.<id>`, `actions.<id>`. */
export function SettingsCategories({ values, catalogue, errors }: SettingsFieldsProps) {
  const { category: text } = useShell().strings.settings;
  const shown = catalogue.categories.filter(({ id }) => values.policies[id] !== undefined);
  const open = shown.some(
    (category) =>
      isOwn(values.policies[category.id], category, catalogue) ||
      isWrongBelow(errors, `categoryPolicies.${category.id}`),
  );
  return (
    <Section name="categories" heading={text.heading} intro={text.intro} open={open}>
      {shown.map((category) => (
        <OneCategory key={category.id} category={category} values={values} catalogue={catalogue} errors={errors} />
      ))}
    </Section>
  );
}

/** Whether something was chosen that code does not say by itself. */
function isOwn(
  own: CategoryValues | undefined,
  { actions: declared }: SettingsCategory,
  { actions: known }: SettingsCatalogue,
): boolean {
  if (own === undefined) return false;
  const { graceMinutes, strength, scope, actions } = own;
  if (graceMinutes !== '' || strength !== '' || scope !== '') return true;
  return declared === null
    ? known.some((action) => !actions.includes(action))
    : actions.some((action) => !declared.includes(action));
}

interface OneCategoryProps extends SettingsFieldsProps {
  readonly category: SettingsCategory;
}

function OneCategory({ category, values, catalogue, errors }: OneCategoryProps) {
  const shell = useShell();
  const { category: text } = shell.strings.settings;
  const { id, name, actions: declared } = category;
  const own = values.policies[id];
  if (own === undefined) return null;
  const path = `categoryPolicies.${id}`;
  const usual = { value: '', label: text.asDeclared };
  const most = category.fixedGraceSeconds === null ? catalogue.graceBounds.maxMinutes : category.fixedGraceSeconds / 60;
  const max = Math.min(most, catalogue.graceBounds.maxMinutes);
  const fixed = (declared ?? []).map((action) => actionText(action, shell));
  return (
    <details class="cs-details cs-settings-part" open={isOwn(own, category, catalogue) || isWrongBelow(errors, path)}>
      <summary>{name}</summary>
      <fieldset class="cs-settings-group">
        <legend class="cs-hidden">{name}</legend>
        <Line
          path={`${path}.graceSeconds`}
          name={`grace.${id}`}
          label={text.grace}
          hint={format(text.graceHint, { max: Math.round(max * 100) / 100 })}
          errors={errors}
          value={own.graceMinutes}
          numeric
        />
        <Select
          path={`${path}.strength`}
          name={`strength.${id}`}
          label={text.strength}
          errors={errors}
          value={own.strength}
          options={[usual, ...catalogue.strengths.map((value) => ({ value, label: text.strengths[value] }))]}
        />
        <Select
          path={`${path}.scope`}
          name={`scope.${id}`}
          label={text.scope}
          errors={errors}
          value={own.scope}
          options={[
            usual,
            ...(['patient', 'category'] as const).map((value) => ({ value, label: text.scopes[value] })),
          ]}
        />
        <Checks
          path={`${path}.actions`}
          name={`actions.${id}`}
          label={text.actions}
          hint={fixed.length === 0 ? undefined : format(text.actionsHint, { actions: formatList(fixed, shell.lang) })}
          errors={errors}
          options={catalogue.actions
            .filter((action) => declared?.includes(action) !== true)
            .map((action) => ({ value: action, label: actionText(action, shell) }))}
          chosen={own.actions}
        />
      </fieldset>
    </details>
  );
}
