import { format, formatList, formatPeriod } from '../strings/format.ts';
import type { SettingsFieldsProps } from './settings-fields.tsx';
import { Checks, FieldError, isWrongBelow, Line, Section } from './settings-inputs.tsx';
import { controlId, type LimitValues, roleText } from './settings-values.ts';
import { useShell } from './shell.ts';

/** Who must have a factor: fields `mustEnrol`, `mustEnrolRoles` (a role, repeated, or lines of text) and `untilEnrolled`. */
export function SettingsEnrolment({ values, catalogue, errors }: SettingsFieldsProps) {
  const { lang, strings } = useShell();
  const { enrolment: text, noneChosen } = strings.settings;
  const clinical = catalogue.roles.filter((role) => role.clinical).map((role) => role.name);
  const roles = clinical.length === 0 ? noneChosen : formatList(clinical, lang);
  const declared = catalogue.roles.length > 0;
  const open =
    values.mustEnrol === 'chosen' ||
    values.untilEnrolled !== 'sensitive-only' ||
    isWrongBelow(errors, 'mustEnrolRoles');
  return (
    <Section name="enrolment" heading={text.heading} open={open}>
      <Checks
        type="radio"
        path="mustEnrol"
        name="mustEnrol"
        label={text.legend}
        errors={errors}
        options={[
          { value: 'clinical', label: format(text.clinical, { roles }) },
          { value: 'chosen', label: declared ? text.chosen : text.chosenLines },
        ]}
        chosen={[values.mustEnrol]}
      >
        <div class="cs-settings-inner">
          {declared ? (
            <Checks
              path="mustEnrolRoles"
              name="mustEnrolRoles"
              label={text.chosen}
              errors={errors}
              options={rolesOf(values.mustEnrolRoles, catalogue.roles).map((id) => ({
                value: id,
                label: roleText(id, catalogue),
              }))}
              chosen={values.mustEnrolRoles}
            />
          ) : (
            <>
              <FieldError path="mustEnrolRoles" error={errors.get('mustEnrolRoles')} />
              <textarea
                class="cs-input"
                id={controlId('mustEnrolRoles')}
                name="mustEnrolRoles"
                rows={3}
                aria-label={text.chosenLines}
              >
                {values.mustEnrolRoles.join('\n')}
              </textarea>
            </>
          )}
        </div>
      </Checks>
      <Checks
        type="radio"
        path="untilEnrolled"
        name="untilEnrolled"
        label={text.legendUntil}
        errors={errors}
        options={(['sensitive-only', 'refuse'] as const).map((value) => ({ value, label: text.until[value] }))}
        chosen={[values.untilEnrolled]}
      />
    </Section>
  );
}

const rolesOf = (chosen: readonly string[], declared: readonly { readonly id: string }[]): string[] => [
  ...new Set([...declared.map(({ id }) => id), ...chosen]),
];

const blank: LimitValues = { role: '', idleMinutes: '', absoluteMinutes: '' };

/** Limits of single roles: fields `limit.<row>.role`, `.idleMinutes` and `.absoluteMinutes`. */
export function SettingsLimits(props: SettingsFieldsProps) {
  const { values, catalogue, errors } = props;
  const { lang, strings } = useShell();
  const { limits: text } = strings.settings;
  const { mostMinutes } = catalogue;
  const intro =
    mostMinutes === null ? text.intro : format(text.introMost, { time: formatPeriod(mostMinutes * 60, lang) });
  const open = values.limits.length > 0 || isWrongBelow(errors, 'roleLimits');
  // Each declared role has its row; without declared ones there is an empty row for another.
  const missing = catalogue.roles.filter(({ id }) => !values.limits.some(({ role }) => role === id));
  const rows = [...values.limits, ...missing.map(({ id }) => ({ ...blank, role: id }))];
  const shown = catalogue.roles.length > 0 ? rows : [...rows, blank];
  return (
    <Section name="limits" heading={text.heading} intro={intro} open={open}>
      {shown.map((row, index) => (
        <OneLimit {...props} key={String(index)} row={row} index={index} />
      ))}
    </Section>
  );
}

interface OneLimitProps extends SettingsFieldsProps {
  readonly row: LimitValues;
  readonly index: number;
}

function OneLimit({ row, index, catalogue, errors }: OneLimitProps) {
  const { limits: text } = useShell().strings.settings;
  const name = `limit.${index}`;
  // Rows without a role yet have no path in the settings: theirs is that of the form.
  const path = row.role === '' ? `roleLimits.(${index})` : `roleLimits.${row.role}`;
  const declared = catalogue.roles.length > 0;
  const legend = row.role === '' ? text.newRow : roleText(row.role, catalogue);
  return (
    <fieldset class="cs-settings-group cs-settings-columns" id={controlId(path)} tabindex={-1}>
      <legend class="cs-label">{legend}</legend>
      {declared ? (
        <>
          <input type="hidden" name={`${name}.role`} value={row.role} />
          <FieldError path={path} error={errors.get(path)} />
        </>
      ) : (
        <Line path={`${path}.role`} name={`${name}.role`} label={text.role} errors={errors} value={row.role} />
      )}
      <Line
        path={`${path}.absoluteSeconds`}
        name={`${name}.absoluteMinutes`}
        label={text.absolute}
        errors={errors}
        value={row.absoluteMinutes}
        numeric
      />
      <Line
        path={`${path}.idleSeconds`}
        name={`${name}.idleMinutes`}
        label={text.idle}
        hint={text.idleHint}
        errors={errors}
        value={row.idleMinutes}
        numeric
      />
    </fieldset>
  );
}
