import type { ComponentChildren } from 'preact';
import type { FieldErrors } from '../routes/reply.ts';

/** A label, the control and its error, tied together. */
export function Field(props: { name: string; label: string; errors: FieldErrors; children: ComponentChildren }) {
  const { name, label, errors, children } = props;
  const error = errors[name];
  return (
    <div class={error === undefined ? 'field' : 'field wrong'}>
      <label for={name}>{label}</label>
      {error !== undefined && (
        <p class="field-error" id={`${name}-error`}>
          <span class="visually-hidden">Error: </span>
          {error}
        </p>
      )}
      {children}
    </div>
  );
}

/** What the control of a `Field` must carry. */
export function fieldAttributes(name: string, errors: FieldErrors) {
  const wrong = errors[name] !== undefined;
  return { id: name, name, ...(wrong ? { 'aria-invalid': true, 'aria-describedby': `${name}-error` } : {}) };
}

/** All errors at the top, each a link to its field; takes the focus when the page opens. */
export function ErrorSummary({ errors }: { errors: FieldErrors }) {
  const entries = Object.entries(errors);
  if (entries.length === 0) return null;
  return (
    <section class="notice error" role="alert" aria-labelledby="errors" tabIndex={-1} autofocus>
      <h2 id="errors">Nothing was saved yet</h2>
      <ul>
        {entries.map(([name, message]) => (
          <li key={name}>
            <a href={`#${name}`}>{message}</a>
          </li>
        ))}
      </ul>
    </section>
  );
}
