import type { Loosening, WorkspaceSettings } from '@countersign/core';
import { format, formatList } from '../strings/format.ts';
import { Form } from './form.tsx';
import { instantFormatter } from './format-instant.ts';
import { SettingsDifferences } from './settings-history.tsx';
import { actionText, categoryText, roleText, type SettingsCatalogue } from './settings-values.ts';
import { settingsDifference } from './settings-words.ts';
import { type Shell, useShell } from './shell.ts';

export interface SettingsProposalProps {
  readonly formAction: string;
  readonly id: string;
  readonly by: string;
  readonly at: Date;
  /** Whether the one who reads this proposed it. */
  readonly own: boolean;
  /** Other settings were saved since. */
  readonly outdated: boolean;
  readonly current: WorkspaceSettings;
  readonly proposed: WorkspaceSettings;
  readonly loosening: readonly Loosening[];
  readonly catalogue: SettingsCatalogue;
}

/** What waits for a second administrator, in words, with a button for each thing that can be decided: field `decision`. */
export function SettingsProposal(props: SettingsProposalProps) {
  const shell = useShell();
  const { proposal: text } = shell.strings.settings;
  const { catalogue, own, outdated } = props;
  const when = instantFormatter(shell.lang, shell.timeZone)(props.at);
  const changes = settingsDifference(props.current, props.proposed, catalogue, shell);
  const how = [...new Set(props.loosening.map((one) => looseningText(one, catalogue, shell)))];
  return (
    <section class="cs-section cs-reading cs-card" aria-labelledby="cs-proposal">
      <h2 id="cs-proposal">{text.heading}</h2>
      <p>{format(text.text, { who: props.by, when })}</p>
      <SettingsDifferences changes={changes} />
      {how.length > 0 && <p>{format(text.looser, { how: formatList(how, shell.lang) })}</p>}
      {outdated && <p>{text.outdated}</p>}
      {own && <p>{text.yours}</p>}
      <Form action={props.formAction}>
        <input type="hidden" name="proposal" value={props.id} />
        <div class="cs-actions">
          {!own && !outdated && (
            <button class="cs-button" type="submit" name="decision" value="approve">
              {text.approve}
            </button>
          )}
          {!own && (
            <button class="cs-button cs-button-secondary" type="submit" name="decision" value="reject">
              {text.reject}
            </button>
          )}
          {own && (
            <button class="cs-button cs-button-secondary" type="submit" name="decision" value="withdraw">
              {text.withdraw}
            </button>
          )}
        </div>
      </Form>
    </section>
  );
}

function looseningText({ kind, about }: Loosening, catalogue: SettingsCatalogue, shell: Shell): string {
  const { loosening } = shell.strings.settings.proposal;
  if (about === null) return loosening[kind];
  const name = ['roles-removed', 'limit-longer'].includes(kind)
    ? roleText(about, catalogue)
    : kind === 'reauthentication-removed'
      ? actionText(about, shell)
      : categoryText(about, catalogue);
  return format(loosening[kind], { about: kind.startsWith('exemption-') ? about : name });
}
