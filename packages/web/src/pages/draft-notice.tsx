import type { KeptDraft } from '../http/draft.ts';
import { Notice } from './notice.tsx';
import { useShell } from './shell.ts';

/** What became of a form that was refused, said before anything is asked. */
export function DraftNotice({ notKept }: Pick<KeptDraft, 'notKept'>) {
  const { drafts } = useShell().strings.challenge;
  return (
    <Notice kind="info">
      <p>{drafts[notKept ?? 'kept']}</p>
    </Notice>
  );
}
