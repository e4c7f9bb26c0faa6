import { format, textFor } from '../strings/format.ts';
import type { Strings } from '../strings/strings.ts';

/** What an event is called, and its code where that says more. */
export function EventCode({ code, strings }: { readonly code: string; readonly strings: Strings }) {
  const named = textFor(strings.audit.codes, code, code);
  return (
    <>
      {named}
      {named !== code && (
        <>
          {' '}
          <span class="cs-raw">
            <Breakable text={code} />
          </span>
        </>
      )}
    </>
  );
}

/** Who it was; under impersonation the real person first. */
export function userText(
  { user, actor = null }: { readonly user: string | null; readonly actor?: string | null | undefined },
  { audit, common }: Strings,
): string | null {
  return actor === null ? user : format(audit.actorFor, { actor, user: user ?? common.empty });
}

/** A code that may break after an underscore, and nowhere else if that is enough. */
export function Breakable({ text }: { readonly text: string }) {
  return text.split(/(?<=_)/).flatMap((part, index) => (index === 0 ? [part] : [<wbr key={index} />, part]));
}
