import { errorIdOf } from './field.tsx';
import { useShell } from './shell.ts';

/** What is wrong with a field, beside it. */
export function FieldMessage({ id, text }: { readonly id: string; readonly text: string }) {
  const { common } = useShell().strings;
  return (
    <p class="cs-error-text" id={errorIdOf(id)}>
      <span class="cs-hidden">{common.errorLabel} </span>
      {text}
    </p>
  );
}
