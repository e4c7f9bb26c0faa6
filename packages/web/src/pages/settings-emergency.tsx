import { format } from '../strings/format.ts';
import type { SettingsFieldsProps } from './settings-fields.tsx';
import { Checks, FieldError, isWrongBelow, Line, Section } from './settings-inputs.tsx';
import { controlId, roleText } from './settings-values.ts';
import { useShell } from './shell.ts';

/**
 * Emergency access, within what code allows: fields `emergency` (`on`), `emergencyFor`, `emergencyRoles` (a role, repeated, or lines
 * of text) and `emergencyMinutes`. Nothing where code knows none.
 */
export function SettingsEmergency(props: SettingsFieldsProps) {
  const { values, catalogue, errors } = props;
  const { emergency: text } = useShell().strings.settings;
  const { emergency } = values;
  if (catalogue.emergencyAccess === null) return null;
  const { mostMinutes } = catalogue.emergencyAccess;
  const usual = emergency.enabled && emergency.who === 'all' && emergency.minutes.trim() === '';
  return (
    <Section
      name="emergency"
      heading={text.heading}
      intro={text.intro}
      open={!usual || isWrongBelow(errors, 'emergencyAccess')}
    >
      <div class="cs-field">
        <div class="cs-choice">
          <input id="cs-emergency" type="checkbox" name="emergency" value="on" checked={emergency.enabled} />
          <label for="cs-emergency">{text.enabled}</label>
        </div>
      </div>
      <Who {...props} />
      <Line
        path="emergencyAccess.windowSeconds"
        name="emergencyMinutes"
        label={text.minutes}
        hint={format(text.minutesHint, { max: mostMinutes })}
        errors={errors}
        value={emergency.minutes}
        numeric
      />
    </Section>
  );
}

function Who({ values, catalogue, errors }: SettingsFieldsProps) {
  const { emergency: text } = useShell().strings.settings;
  const { who, roles } = values.emergency;
  const path = 'emergencyAccess.roles';
  const offered = [...new Set([...(catalogue.emergencyAccess?.roles ?? []), ...roles])];
  const known = (catalogue.emergencyAccess?.roles.length ?? 0) > 0;
  return (
    <Checks
      type="radio"
      path="emergencyFor"
      name="emergencyFor"
      label={text.legend}
      errors={errors}
      options={[
        { value: 'all', label: text.all },
        { value: 'chosen', label: known ? text.chosen : text.chosenLines },
      ]}
      chosen={[who]}
    >
      <div class="cs-settings-inner">
        {known ? (
          <Checks
            path={path}
            name="emergencyRoles"
            label={text.chosen}
            errors={errors}
            options={offered.map((id) => ({ value: id, label: roleText(id, catalogue) }))}
            chosen={roles}
          />
        ) : (
          <>
            <FieldError path={path} error={errors.get(path)} />
            <textarea
              class="cs-input"
              id={controlId(path)}
              name="emergencyRoles"
              rows={3}
              aria-label={text.chosenLines}
            >
              {roles.join('\n')}
            </textarea>
          </>
        )}
      </div>
    </Checks>
  );
}
