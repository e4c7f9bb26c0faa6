import { format, formatList } from '../strings/format.ts';
import type { SettingsFieldsProps } from './settings-fields.tsx';
import { Checks, isWrongBelow, Line, Section, Select } from './settings-inputs.tsx';
import type { ExemptionValues } from './settings-values.ts';
import { useShell } from './shell.ts';

const blank: ExemptionValues = { kind: '', value: '', all: false, categories: [] };

/** Rows of exemptions and an empty one: fields `exemption.<row>.kind`, `.value` and `.categories` (`*`: all). */
export function SettingsExemptions(props: SettingsFieldsProps) {
  const { values, errors } = props;
  const { exemptions: text } = useShell().strings.settings;
  const open = values.exemptions.length > 0 || isWrongBelow(errors, 'exemptions');
  return (
    <Section name="exemptions" heading={text.heading} intro={text.intro} open={open}>
      {[...values.exemptions, blank].map((row, index) => (
        <OneExemption {...props} key={String(index)} row={row} index={index} />
      ))}
    </Section>
  );
}

interface OneExemptionProps extends SettingsFieldsProps {
  readonly row: ExemptionValues;
  readonly index: number;
}

function OneExemption({ row, index, catalogue, errors, values }: OneExemptionProps) {
  const { lang, strings } = useShell();
  const { exemptions: text } = strings.settings;
  const path = `exemptions.${index}`;
  const name = `exemption.${index}`;
  const isNew = index === values.exemptions.length;
  const kinds = (['role', 'provider', 'treatment-relationship'] as const).filter(
    // One that is chosen stays to be seen, also where the host cannot tell any more.
    (kind) => kind !== 'treatment-relationship' || catalogue.treatment || row.kind === kind,
  );
  const roles = catalogue.roles.map(({ id, name: label }) => (id === label ? id : `${id} (${label})`));
  const hints = [
    ...(kinds.includes('treatment-relationship') ? [text.valueHint] : []),
    ...(roles.length === 0 ? [] : [format(text.rolesHint, { roles: formatList(roles, lang) })]),
  ];
  return (
    <fieldset class="cs-settings-group">
      <legend class="cs-label">{isNew ? text.newRow : format(text.row, { number: index + 1 })}</legend>
      <Select
        path={`${path}.kind`}
        name={`${name}.kind`}
        label={text.kind}
        errors={errors}
        value={row.kind}
        options={[
          { value: '', label: text.kinds.none },
          ...kinds.map((value) => ({ value, label: text.kinds[value] })),
        ]}
      />
      <Line
        path={`${path}.value`}
        name={`${name}.value`}
        label={text.value}
        hint={hints.length === 0 ? undefined : hints.join(' ')}
        errors={errors}
        value={row.value}
      />
      <Checks
        path={`${path}.categories`}
        name={`${name}.categories`}
        label={text.categories}
        errors={errors}
        options={[
          ...catalogue.categories.map(({ id, name: label }) => ({ value: id, label })),
          { value: '*', label: text.all },
        ]}
        chosen={row.all ? [...row.categories, '*'] : row.categories}
      />
    </fieldset>
  );
}
