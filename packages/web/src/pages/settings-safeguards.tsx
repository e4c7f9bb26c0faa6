import { format, formatList } from '../strings/format.ts';
import type { SettingsFieldsProps } from './settings-fields.tsx';
import { Checks, isWrongBelow, Section } from './settings-inputs.tsx';
import { actionText } from './settings-values.ts';
import { useShell } from './shell.ts';

/** Actions that always ask again: field `reauthenticate` (an action, repeated). */
export function SettingsReauthentication({ values, catalogue, errors }: SettingsFieldsProps) {
  const shell = useShell();
  const { reauthentication: text } = shell.strings.settings;
  const fixed = catalogue.reauthenticated.map((action) => actionText(action, shell));
  const hint = fixed.length === 0 ? text.noneFixed : format(text.hint, { actions: formatList(fixed, shell.lang) });
  const offered = catalogue.actions.filter((action) => !catalogue.reauthenticated.includes(action));
  // What was chosen stays to be seen, also where it is no longer declared or code asks for it by now.
  const options = [...new Set([...offered, ...values.reauthenticate])];
  const open = values.reauthenticate.length > 0 || isWrongBelow(errors, 'reauthenticateActions');
  return (
    <Section name="reauthentication" heading={text.heading} open={open}>
      <Checks
        path="reauthenticateActions"
        name="reauthenticate"
        label={text.legend}
        hint={hint}
        errors={errors}
        options={options.map((value) => ({ value, label: actionText(value, shell) }))}
        chosen={values.reauthenticate}
      />
    </Section>
  );
}

/** Whether loosening changes wait: field `secondAdministrator` (`on`). */
export function SettingsSecondAdministrator({ values }: SettingsFieldsProps) {
  const { second: text } = useShell().strings.settings;
  return (
    <Section name="second-administrator" heading={text.heading} open={values.secondAdministrator}>
      <div class="cs-field">
        <div class="cs-choice">
          <input
            id="cs-second"
            type="checkbox"
            name="secondAdministrator"
            value="on"
            checked={values.secondAdministrator}
            aria-describedby="cs-second-hint"
          />
          <label for="cs-second">{text.label}</label>
        </div>
        <p class="cs-hint cs-choice-hint" id="cs-second-hint">
          {text.hint}
        </p>
      </div>
    </Section>
  );
}
