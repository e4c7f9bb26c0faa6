import { format, textFor } from '../strings/format.ts';
import { DraftNotice } from './draft-notice.tsx';
import { Form } from './form.tsx';
import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { useShell } from './shell.ts';

export interface ElsewherePageProps {
  readonly factor: string;
  readonly href: string;
  /** A form that was refused, sealed. It travels in this page alone, so the other site opens beside it. */
  readonly draft?: string;
  /** Where the draft goes once the person has confirmed. */
  readonly resendAction?: string;
}

/** On the way to another site, where the person confirms; for browsers that do not go on by themselves. */
export function ElsewherePage({ factor, href, draft, resendAction }: ElsewherePageProps) {
  const { strings } = useShell();
  const name = textFor(strings.factorNames, factor, factor);
  return (
    <Layout title={format(strings.elsewhere.begin, { factor: name })}>
      {draft !== undefined && <DraftNotice notKept={null} />}
      <p>{strings.elsewhere.hint}</p>
      <p class="cs-actions">
        <Link href={href} look="primary" apart={draft !== undefined}>
          {format(strings.elsewhere.begin, { factor: name })}
        </Link>
      </p>
      {draft !== undefined && resendAction !== undefined && (
        <Form action={resendAction}>
          <input type="hidden" name="draft" value={draft} />
          <button class="cs-button cs-button-secondary" type="submit">
            {strings.elsewhere.done}
          </button>
        </Form>
      )}
    </Layout>
  );
}
