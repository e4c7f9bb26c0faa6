import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { useShell } from './shell.ts';

export interface ConfirmedPageProps {
  /** Back to what the person wanted before they had to enrol. */
  readonly continueHref?: string | undefined;
  readonly factorsHref?: string | undefined;
}

/** After the first code of a new authenticator app was right. */
export function ConfirmedPage({ continueHref, factorsHref }: ConfirmedPageProps) {
  const { confirmed } = useShell().strings;
  return (
    <Layout title={confirmed.totpHeading}>
      <p>{confirmed.totpText}</p>
      <p class="cs-actions">
        <Link href={continueHref} look="primary">
          {confirmed.continue}
        </Link>
        <Link href={factorsHref} look={continueHref === undefined ? 'primary' : 'secondary'}>
          {confirmed.factors}
        </Link>
      </p>
    </Layout>
  );
}
