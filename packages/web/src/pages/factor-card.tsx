import type { ErrorCode } from '@countersign/core';
import { format, formatCount, textFor } from '../strings/format.ts';
import { errorText } from './factor-error.tsx';
import type { FactorSummary } from './factors-page.tsx';
import { errorIdOf } from './field.tsx';
import { Form } from './form.tsx';
import { instantFormatter } from './format-instant.ts';
import { Instant } from './instant.tsx';
import { useShell } from './shell.ts';
import { TextField } from './text-field.tsx';

/** Below it, a person is told to make new recovery codes; at one, in red. */
const FEW = 3;

export interface FactorCardProps {
  readonly factor: FactorSummary;
  readonly error?: ErrorCode | undefined;
  /** A name that was typed and not saved yet. */
  readonly typed?: string | undefined;
}

/** One factor: what it is, what it counts for, what is left of it, and what can be done with it. */
export function FactorCard({ factor, error, typed }: FactorCardProps) {
  const { lang, strings, timeZone } = useShell();
  const text = strings.factors;
  const written = instantFormatter(lang, timeZone);
  const kind = textFor(strings.factorNames, factor.kind, factor.kind);
  const name = factor.label === undefined || factor.label === '' ? kind : factor.label;
  const state = factor.remaining === 0 && factor.state === 'usable' ? 'usedUp' : factor.state;
  return (
    <li class="cs-card">
      <div class="cs-card-head">
        <h2>{name}</h2>
        <span class={`cs-badge cs-badge-${state === 'usable' ? 'success' : 'failure'}`}>{text.states[state]}</span>
      </div>
      {error !== undefined && error !== 'input_invalid' && (
        <p class="cs-error-text" role="alert">
          {errorText(strings, error)}
        </p>
      )}
      <ul class="cs-inline-facts">
        {name !== kind && <li>{kind}</li>}
        {factor.strength !== undefined && <li>{text.strengths[factor.strength]}</li>}
        <li>
          <Instant at={factor.enrolledAt} text={format(text.enrolledAt, { date: written(factor.enrolledAt) })} />
        </li>
      </ul>
      {factor.state === 'disabled' && <p>{text.disabledCure}</p>}
      {factor.cap != null && (
        <p class="cs-flag cs-flag-info">
          {text.capped}{' '}
          {factor.cap.liftsAt === null ? text.capByCode : format(text.capUntil, { date: written(factor.cap.liftsAt) })}
        </p>
      )}
      {factor.remaining != null && <Remaining remaining={factor.remaining} />}
      {(factor.renameAction !== undefined || factor.removeAction !== undefined) && (
        <div class="cs-card-actions">
          {factor.renameAction !== undefined && (
            <Rename
              factor={factor}
              name={name}
              action={factor.renameAction}
              typed={typed}
              wrong={error === 'input_invalid'}
            />
          )}
          {factor.removeAction !== undefined && (
            <details class="cs-details">
              <summary>
                {text.remove}
                <span class="cs-hidden"> {name}</span>
              </summary>
              <Form action={factor.removeAction}>
                <p>{format(text.removeText, { name })}</p>
                <button class="cs-button cs-button-secondary" type="submit">
                  {text.removeSubmit}
                </button>
              </Form>
            </details>
          )}
        </div>
      )}
    </li>
  );
}

/** How many recovery codes are left, louder as they get fewer. */
export function Remaining({ remaining }: { readonly remaining: number }) {
  const { lang, strings } = useShell();
  const { remaining: text } = strings;
  const look = remaining <= 1 ? 'cs-flag cs-flag-error' : remaining <= FEW ? 'cs-flag cs-flag-warning' : 'cs-flag';
  return (
    <p class={look}>
      {remaining === 0 ? text.none : formatCount(text.left, remaining, lang)}
      {remaining <= FEW && ` ${text.makeSoon}`}
    </p>
  );
}

interface RenameProps {
  readonly factor: FactorSummary;
  readonly name: string;
  readonly action: string;
  readonly typed: string | undefined;
  readonly wrong: boolean;
}

function Rename({ factor, name, action, typed, wrong }: RenameProps) {
  const text = useShell().strings.factors;
  const id = `cs-name-${factor.id}`;
  const open = wrong || typed !== undefined;
  return (
    <details class="cs-details" open={open}>
      <summary>
        {text.rename}
        <span class="cs-hidden"> {name}</span>
      </summary>
      <Form action={action}>
        <TextField
          id={id}
          name="label"
          label={text.nameLabel}
          value={typed ?? factor.label ?? ''}
          focus={open}
          error={
            wrong ? (
              <p class="cs-error-text" id={errorIdOf(id)} role="alert">
                {text.nameWrong}
              </p>
            ) : undefined
          }
        />
        <button class="cs-button cs-button-secondary" type="submit">
          {text.renameSubmit}
        </button>
      </Form>
    </details>
  );
}
