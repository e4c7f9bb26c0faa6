import { Form } from './form.tsx';
import { useShell } from './shell.ts';

/** After a change of factors: ends the person's other sessions (ASVS 7.4.3). Nothing where there is no address to send it to. */
export function OthersOffer({ formAction }: { readonly formAction: string | undefined }) {
  const { others } = useShell().strings;
  if (formAction === undefined) return null;
  return (
    <Form action={formAction} class="cs-form cs-offer">
      <p>{others.text}</p>
      <button class="cs-button cs-button-secondary" type="submit">
        {others.submit}
      </button>
    </Form>
  );
}
