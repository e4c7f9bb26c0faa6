import { Remaining } from './factor-card.tsx';
import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { useShell } from './shell.ts';

export interface RemainingPageProps {
  readonly remaining: number;
  readonly continueHref: string;
  readonly factorsHref: string;
}

/** After a recovery code was used: how many are left, and on to where one wanted to go. */
export function RemainingPage({ remaining, continueHref, factorsHref }: RemainingPageProps) {
  const { remaining: text } = useShell().strings;
  return (
    <Layout title={text.title}>
      <p>{text.intro}</p>
      <Remaining remaining={remaining} />
      <p class="cs-actions">
        <Link href={continueHref} look="primary">
          {text.continue}
        </Link>
        <Link href={factorsHref} look="secondary">
          {text.make}
        </Link>
      </p>
    </Layout>
  );
}
