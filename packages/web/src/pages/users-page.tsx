import type { ErrorCode } from '@countersign/core';
import { format, textFor } from '../strings/format.ts';
import { errorText } from './factor-error.tsx';
import { errorIdOf } from './field.tsx';
import { Form } from './form.tsx';
import { instantFormatter } from './format-instant.ts';
import { Instant } from './instant.tsx';
import { Layout } from './layout.tsx';
import { Notice } from './notice.tsx';
import { safeHref } from './safe-href.ts';
import { useShell } from './shell.ts';
import { TextField } from './text-field.tsx';

/** One of a user's factors, without anything secret. */
export interface UserFactorRow {
  readonly kind: string;
  readonly label: string;
  readonly enrolledAt: Date;
  readonly state: 'usable' | 'disabled' | 'altered';
  readonly capped: boolean;
}

export interface UsersPageProps {
  readonly formAction: string;
  /** What was searched for; empty at first. */
  readonly userId: string;
  /** Absent until somebody was searched for. */
  readonly user?:
    | {
        readonly factors: readonly UserFactorRow[];
        /** Oneself: nothing can be done. */
        readonly self: boolean;
        readonly resetAction: string;
        readonly codeAction: string;
      }
    | undefined;
  /** Just issued; shown once. */
  readonly issued?: { readonly code: string; readonly expiresAt: Date } | undefined;
  readonly notice?: 'reset' | undefined;
  readonly error?:
    | { readonly code: ErrorCode; readonly at: 'reset' | 'code' | 'page'; readonly kind?: string }
    | undefined;
  /** A reason that was typed and refused. */
  readonly typedReason?: string | undefined;
}

/** For administrators: another user's factors, their reset, and one-time codes for a new one. */
export function UsersPage(props: UsersPageProps) {
  const { lang, strings, timeZone } = useShell();
  const { users: text, common } = strings;
  const { user, issued, error } = props;
  const written = instantFormatter(lang, timeZone);
  return (
    <Layout title={text.title} page="users" error={error !== undefined}>
      {props.notice !== undefined && (
        <Notice kind="success">
          <p>{text.resetDone}</p>
        </Notice>
      )}
      {issued !== undefined && (
        <Notice kind="success" heading={format(text.codeHeading, { user: props.userId })}>
          <p class="cs-issued" id="cs-issued-code">
            {issued.code}
          </p>
          <p>
            <button
              class="cs-button cs-button-small"
              type="button"
              data-cs-copy="cs-issued-code"
              data-cs-copied={common.copied}
              hidden
            >
              {common.copy}
            </button>
            <span class="cs-hidden" role="status" data-cs-copy-status="" />
          </p>
          <p>{format(text.codeOnce, { date: written(issued.expiresAt) })}</p>
        </Notice>
      )}
      {error?.at === 'page' && (
        <Notice kind="error">
          <p>{errorText(strings, error.code)}</p>
        </Notice>
      )}
      <p>{text.intro}</p>
      <form class="cs-form" method="get" action={safeHref(props.formAction)}>
        <TextField
          id="cs-user"
          name="userId"
          type="search"
          label={text.search}
          value={props.userId}
          focus={user === undefined}
        />
        <button class={user === undefined ? 'cs-button' : 'cs-button cs-button-secondary'} type="submit">
          {text.show}
        </button>
      </form>
      {user !== undefined && <User {...props} user={user} />}
    </Layout>
  );
}

function User({
  user,
  userId,
  error,
  typedReason,
}: UsersPageProps & { readonly user: NonNullable<UsersPageProps['user']> }) {
  const { lang, strings, timeZone } = useShell();
  const { users: text, factors } = strings;
  const written = instantFormatter(lang, timeZone);
  const kinds = [...new Set(user.factors.map((factor) => factor.kind))];
  return (
    <section class="cs-section" aria-labelledby="cs-user-factors">
      <h2 id="cs-user-factors">{format(text.factorsOf, { user: userId })}</h2>
      {user.factors.length === 0 ? (
        <p>{text.none}</p>
      ) : (
        <ul class="cs-cards">
          {user.factors.map((factor, index) => (
            // Nothing of ours names them but their place.
            <li class="cs-card" key={`${factor.kind}-${index}`}>
              <div class="cs-card-head">
                <h3>{textFor(strings.factorNames, factor.kind, factor.kind)}</h3>
                <span class={`cs-badge cs-badge-${factor.state === 'usable' ? 'success' : 'failure'}`}>
                  {text.states[factor.state]}
                </span>
              </div>
              <ul class="cs-inline-facts">
                {factor.label !== '' && <li>{factor.label}</li>}
                <li>
                  <Instant
                    at={factor.enrolledAt}
                    text={format(factors.enrolledAt, { date: written(factor.enrolledAt) })}
                  />
                </li>
                {factor.capped && <li>{text.capped}</li>}
              </ul>
            </li>
          ))}
        </ul>
      )}
      {user.self ? (
        <p class="cs-hint">{text.self}</p>
      ) : (
        <>
          {kinds.map((kind) => {
            const here = error?.at === 'reset' && error.kind === kind;
            return (
              <ReasonForm
                key={kind}
                id={`cs-reset-${kind}`}
                action={user.resetAction}
                fields={{ userId, factor: kind }}
                summary={format(text.reset, { factor: textFor(strings.factorNames, kind, kind) })}
                text={text.resetText}
                submit={text.resetSubmit}
                wrong={here}
                reason={here ? typedReason : undefined}
              />
            );
          })}
          <ReasonForm
            id="cs-code"
            action={user.codeAction}
            fields={{ userId }}
            summary={text.issue}
            text={text.issueText}
            submit={text.issueSubmit}
            wrong={error?.at === 'code'}
            reason={error?.at === 'code' ? typedReason : undefined}
          />
        </>
      )}
    </section>
  );
}

interface ReasonFormProps {
  readonly id: string;
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly text: string;
  readonly submit: string;
  readonly wrong: boolean;
  readonly reason: string | undefined;
}

function ReasonForm({ id, action, fields, summary, text, submit, wrong, reason }: ReasonFormProps) {
  const { users } = useShell().strings;
  const field = `${id}-reason`;
  return (
    <details class="cs-details" open={wrong}>
      <summary>{summary}</summary>
      <Form action={action}>
        <p>{text}</p>
        {Object.entries(fields).map(([name, value]) => (
          <input key={name} type="hidden" name={name} value={value} />
        ))}
        <TextField
          id={field}
          name="reason"
          label={users.reason}
          hint={users.reasonHint}
          value={reason ?? ''}
          focus={wrong}
          error={
            wrong ? (
              <p class="cs-error-text" id={errorIdOf(field)} role="alert">
                {users.reasonWrong}
              </p>
            ) : undefined
          }
        />
        <button class="cs-button" type="submit">
          {submit}
        </button>
      </Form>
    </details>
  );
}
