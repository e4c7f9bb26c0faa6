import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { OthersOffer } from './others-offer.tsx';
import { useShell } from './shell.ts';

export interface ConfirmedPageProps {
  /** The kind that was enrolled. Default `totp`. */
  readonly kind?: string;
  /** It counts for less than its kind for now; the factors page says how long. */
  readonly capped?: boolean;
  /** Back to what the person wanted before they had to enrol. */
  readonly continueHref?: string | undefined;
  readonly factorsHref?: string | undefined;
  readonly othersAction?: string | undefined;
}

/** After the first answer of a new factor was right. */
export function ConfirmedPage({ kind = 'totp', capped, continueHref, factorsHref, othersAction }: ConfirmedPageProps) {
  const { confirmed } = useShell().strings;
  const words = kind === 'totp' || kind === 'passkey' ? confirmed.kinds[kind] : confirmed.kinds.other;
  return (
    <Layout title={words.heading}>
      <p>{words.text}</p>
      {capped === true && <p class="cs-flag cs-flag-info">{confirmed.capped}</p>}
      <p class="cs-actions">
        <Link href={continueHref} look="primary">
          {confirmed.continue}
        </Link>
        <Link href={factorsHref} look={continueHref === undefined ? 'primary' : 'secondary'}>
          {confirmed.factors}
        </Link>
      </p>
      <OthersOffer formAction={othersAction} />
    </Layout>
  );
}
