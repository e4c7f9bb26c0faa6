import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { Notice } from './notice.tsx';
import { OthersOffer } from './others-offer.tsx';
import { useShell } from './shell.ts';

export interface RecoveryCodesPageProps {
  readonly codes: readonly string[];
  /** They take the place of earlier ones. */
  readonly replaced: boolean;
  readonly continueHref: string;
  readonly othersAction?: string | undefined;
}

const LIST = 'cs-recovery-codes';

/** New recovery codes, shown once. Without a script they are text to be selected; with it they are copied, saved or printed by a click. */
export function RecoveryCodesPage({ codes, replaced, continueHref, othersAction }: RecoveryCodesPageProps) {
  const { common, recovery } = useShell().strings;
  return (
    <Layout title={recovery.title}>
      <p>{recovery.intro}</p>
      {replaced && <p>{recovery.replaced}</p>}
      <Notice kind="info">
        <p>{recovery.once}</p>
      </Notice>
      <ul class="cs-codes" id={LIST}>
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <p class="cs-actions cs-no-print">
        <button
          class="cs-button cs-button-secondary"
          type="button"
          data-cs-copy={LIST}
          data-cs-copied={common.copied}
          hidden
        >
          {recovery.copy}
        </button>
        <button
          class="cs-button cs-button-secondary"
          type="button"
          data-cs-save={LIST}
          data-cs-file={recovery.fileName}
          hidden
        >
          {recovery.download}
        </button>
        <button class="cs-button cs-button-secondary" type="button" data-cs-print="" hidden>
          {recovery.print}
        </button>
        <span class="cs-hidden" role="status" data-cs-copy-status="" />
      </p>
      <p class="cs-actions cs-no-print">
        <Link href={continueHref} look="primary">
          {recovery.kept}
        </Link>
      </p>
      <div class="cs-no-print">
        <OthersOffer formAction={othersAction} />
      </div>
    </Layout>
  );
}
