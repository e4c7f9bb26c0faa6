import { CodeField } from './code-field.tsx';
import type { FactorError } from './factor-error.tsx';
import { errorText } from './factor-error.tsx';
import { Form } from './form.tsx';
import { Layout } from './layout.tsx';
import { Notice } from './notice.tsx';
import { SettingsConflict } from './settings-conflict.tsx';
import { type GraceBounds, type SettingsErrors, SettingsFields, settingsErrorText } from './settings-fields.tsx';
import { SettingsHistory, type SettingsHistoryEntry } from './settings-history.tsx';
import type { SettingsCategory, SettingsValues } from './settings-values.ts';
import { useShell } from './shell.ts';

/** A fresh proof is needed: the code is asked inside the same form, as `challengeId`, `factor` and `code`. */
export interface SettingsConfirm {
  readonly challengeId: string;
  readonly factor: 'totp';
  readonly error?: FactorError | undefined;
}

export interface SettingsPageProps {
  readonly formAction: string;
  /** The version the form was made from, posted as `version`. After a conflict: the newest, so that saving again is meant. */
  readonly version: number;
  /** What the form shows: the saved values, or after a refused save what was posted. */
  readonly values: SettingsValues;
  readonly categories: readonly SettingsCategory[];
  readonly graceBounds: GraceBounds;
  readonly errors?: SettingsErrors | undefined;
  readonly conflict?: { readonly by: string | null; readonly at: Date; readonly saved: SettingsValues } | undefined;
  readonly confirm?: SettingsConfirm | undefined;
  readonly notice?: 'saved' | 'unchanged' | undefined;
  readonly history: readonly SettingsHistoryEntry[];
}

/** A workspace's settings. Whatever is refused, the form comes back with everything that was chosen and typed. */
export function SettingsPage(props: SettingsPageProps) {
  const { strings } = useShell();
  const text = strings.settings;
  const { confirm, conflict, errors = {}, categories, graceBounds, values } = props;
  const wrong = errors.categories !== undefined || errors.graceMinutes !== undefined;
  const ended = confirm?.error?.code === 'challenge_unknown';
  return (
    <Layout
      title={text.title}
      page="settings"
      width="wide"
      error={wrong || conflict !== undefined || confirm?.error !== undefined}
    >
      {props.notice !== undefined && (
        <Notice kind={props.notice === 'saved' ? 'success' : 'info'}>
          <p>{text[props.notice]}</p>
        </Notice>
      )}
      {wrong && (
        <Notice kind="error" heading={text.errorHeading}>
          <ul>
            {errors.categories !== undefined && (
              <li>
                <a class="cs-link" href="#cs-categories">
                  {settingsErrorText(errors.categories, strings, graceBounds)}
                </a>
              </li>
            )}
            {errors.graceMinutes !== undefined && (
              <li>
                <a class="cs-link" href="#cs-grace">
                  {settingsErrorText(errors.graceMinutes, strings, graceBounds)}
                </a>
              </li>
            )}
          </ul>
        </Notice>
      )}
      {conflict !== undefined && <SettingsConflict {...conflict} yours={values} categories={categories} />}
      <p>{text.intro}</p>
      <Form action={props.formAction} class="cs-form cs-form-settings">
        <input type="hidden" name="version" value={props.version} />
        <SettingsFields
          values={values}
          categories={categories}
          graceBounds={graceBounds}
          errors={errors}
          focusError={wrong}
        />
        {confirm !== undefined && (
          <fieldset class="cs-confirm">
            <legend class="cs-label">{text.confirmHeading}</legend>
            <p>{text.confirmNotice}</p>
            {ended && <p class="cs-error-text">{errorText(strings, 'challenge_unknown')}</p>}
            <input type="hidden" name="challengeId" value={confirm.challengeId} />
            <input type="hidden" name="factor" value={confirm.factor} />
            <CodeField
              id="cs-settings-code"
              label={strings.totp.label}
              error={ended ? undefined : confirm.error}
              focus={!wrong}
            />
          </fieldset>
        )}
        <button class="cs-button" type="submit">
          {confirm === undefined ? text.save : text.confirmAndSave}
        </button>
      </Form>
      <SettingsHistory history={props.history} categories={categories} />
    </Layout>
  );
}
