import type { SettingsPreview as Preview, SettingsWarning, WorkspaceSettings } from '@countersign/core';
import { format } from '../strings/format.ts';
import { Form } from './form.tsx';
import { Layout } from './layout.tsx';
import { Notice } from './notice.tsx';
import { SettingsCategories } from './settings-categories.tsx';
import { SettingsConflict } from './settings-conflict.tsx';
import { SettingsEmergency } from './settings-emergency.tsx';
import { SettingsExemptions } from './settings-exemptions.tsx';
import { SettingsFields } from './settings-fields.tsx';
import { SettingsHistory, type SettingsHistoryEntry } from './settings-history.tsx';
import { settingsErrorText } from './settings-inputs.tsx';
import { SettingsPreview } from './settings-preview.tsx';
import { SettingsProposal, type SettingsProposalProps } from './settings-proposal.tsx';
import { SettingsEnrolment, SettingsLimits } from './settings-roles.tsx';
import { SettingsReauthentication, SettingsSecondAdministrator } from './settings-safeguards.tsx';
import {
  categoryText,
  controlId,
  roleText,
  type SettingsCatalogue,
  type SettingsErrors,
  type SettingsValues,
} from './settings-values.ts';
import { type Shell, useShell } from './shell.ts';

/** What was done, as the page that follows says it. */
export type SettingsNotice = 'saved' | 'proposed' | 'approved' | 'rejected' | 'withdrawn' | 'gone' | 'own';

export interface SettingsPageProps {
  readonly formAction: string;
  /** The version the form was made from, posted as `version`. After a conflict: the newest, so that saving again is meant. */
  readonly version: number;
  /** What the form shows: the saved values, or after a refused save what was posted. */
  readonly values: SettingsValues;
  readonly catalogue: SettingsCatalogue;
  readonly errors?: SettingsErrors | undefined;
  readonly conflict?:
    | {
        readonly by: string | null;
        readonly at: Date;
        readonly saved: WorkspaceSettings;
        readonly yours: WorkspaceSettings;
      }
    | undefined;
  readonly proposal?: Omit<SettingsProposalProps, 'catalogue'> | undefined;
  readonly preview?: Preview | undefined;
  readonly warnings?: readonly SettingsWarning[] | undefined;
  readonly notice?: SettingsNotice | undefined;
  readonly history: readonly SettingsHistoryEntry[];
}

const noErrors: SettingsErrors = new Map();
const refusals: ReadonlySet<SettingsNotice> = new Set(['gone', 'own']);

/** A workspace's settings. Whatever is refused, the form comes back with everything that was chosen and typed. */
export function SettingsPage(props: SettingsPageProps) {
  const shell = useShell();
  const text = shell.strings.settings;
  const { conflict, errors = noErrors, catalogue, notice, preview, proposal, values, warnings = [] } = props;
  const wrong = errors.size > 0;
  const refused = notice !== undefined && refusals.has(notice);
  const fields = { values, catalogue, errors };
  return (
    <Layout title={text.title} page="settings" width="wide" error={wrong || conflict !== undefined || refused}>
      {notice !== undefined && (
        <Notice kind={refused ? 'error' : notice === 'proposed' ? 'info' : 'success'}>
          <p>{text.notices[notice]}</p>
        </Notice>
      )}
      {wrong && <Wrong errors={errors} catalogue={catalogue} />}
      {conflict !== undefined && <SettingsConflict {...conflict} catalogue={catalogue} />}
      {proposal !== undefined && <SettingsProposal {...proposal} catalogue={catalogue} />}
      {preview !== undefined && <SettingsPreview preview={preview} catalogue={catalogue} />}
      {warnings.length > 0 && (
        <Notice kind="info" heading={text.warnings.heading}>
          <ul>
            {warnings.map((warning) => (
              <li key={`${warning.kind} ${warning.about}`}>{warningText(warning, catalogue, shell)}</li>
            ))}
          </ul>
        </Notice>
      )}
      <p>{text.intro}</p>
      <Form action={props.formAction} class="cs-form cs-form-settings">
        <input type="hidden" name="version" value={props.version} />
        <SettingsFields {...fields} />
        <SettingsCategories {...fields} />
        <SettingsReauthentication {...fields} />
        <SettingsExemptions {...fields} />
        <SettingsEnrolment {...fields} />
        <SettingsLimits {...fields} />
        <SettingsEmergency {...fields} />
        <SettingsSecondAdministrator {...fields} />
        <div class="cs-actions">
          <button class="cs-button" type="submit">
            {text.save}
          </button>
          <button class="cs-button cs-button-secondary" type="submit" name="do" value="preview">
            {text.see}
          </button>
        </div>
      </Form>
      <SettingsHistory history={props.history} catalogue={catalogue} />
    </Layout>
  );
}

/** Every error, with a link to its field. */
function Wrong({ errors, catalogue }: { readonly errors: SettingsErrors; readonly catalogue: SettingsCatalogue }) {
  const shell = useShell();
  const text = shell.strings.settings;
  return (
    <Notice kind="error" heading={text.errorHeading}>
      <ul>
        {[...errors].map(([path, error], index) => {
          const problem = settingsErrorText(error, shell.strings);
          const field = fieldText(path, catalogue, shell);
          return (
            <li key={path}>
              <a class="cs-link" href={`#${controlId(path)}`} autofocus={index === 0}>
                {field === null ? problem : format(text.errorAt, { field, problem })}
              </a>
            </li>
          );
        })}
      </ul>
    </Notice>
  );
}

/** Which of many alike a field belongs to. */
function fieldText(path: string, catalogue: SettingsCatalogue, { strings }: Shell): string | null {
  const [, part, rest = ''] = /^([a-zA-Z]+)\.(.+)$/.exec(path) ?? [];
  if (part === 'exemptions') return format(strings.settings.exemptions.row, { number: Number.parseInt(rest, 10) + 1 });
  const id = rest.replace(/\.[a-zA-Z]+$/, '');
  if (part === 'categoryPolicies') return categoryText(id, catalogue);
  return part === 'roleLimits' && !id.startsWith('(') ? roleText(id, catalogue) : null;
}

function warningText({ kind, about }: SettingsWarning, catalogue: SettingsCatalogue, { strings }: Shell): string {
  return format(strings.settings.warnings[kind], { about: about === null ? '' : roleText(about, catalogue) });
}
