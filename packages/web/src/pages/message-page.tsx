import { errorCodes } from '@countersign/core';
import { format } from '../strings/format.ts';
import type { Strings } from '../strings/strings.ts';
import { errorText } from './factor-error.tsx';
import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { useShell } from './shell.ts';

interface MessageLink {
  readonly label: string;
  readonly href: string;
}

export interface MessagePageProps {
  readonly heading: string;
  readonly text: string;
  /** What the person can do about it, in a sentence. */
  readonly cure?: string;
  readonly primary?: MessageLink | undefined;
  readonly secondary?: MessageLink | undefined;
  /** For whom this cannot wait. */
  readonly emergency?: MessageLink | undefined;
  /** The stable error code, shown small, for whoever is asked for help. */
  readonly code?: string;
}

/** A refusal shown to a person: what happened, what to do, and one way on. */
export function MessagePage({ heading, text, cure, primary, secondary, emergency, code }: MessagePageProps) {
  const { common } = useShell().strings;
  return (
    <Layout title={heading}>
      <p>{text}</p>
      {cure !== undefined && cure !== '' && <p>{cure}</p>}
      {(primary !== undefined || secondary !== undefined) && (
        <p class="cs-actions">
          {primary !== undefined && (
            <Link href={primary.href} look="primary">
              {primary.label}
            </Link>
          )}
          {secondary !== undefined && (
            <Link href={secondary.href} look="secondary">
              {secondary.label}
            </Link>
          )}
        </p>
      )}
      {emergency !== undefined && (
        <p class="cs-emergency">
          <Link href={emergency.href} look="secondary">
            {emergency.label}
          </Link>
        </p>
      )}
      {code !== undefined && <p class="cs-reference">{format(common.reference, { code })}</p>}
    </Layout>
  );
}

/** Heading, text and cure of a message page for an error code; 503 codes share one heading, codes of developers the general one. */
export function messageOf(
  code: string,
  strings: Strings,
): Pick<MessagePageProps, 'heading' | 'text' | 'cure' | 'code'> {
  const messages: Readonly<Record<string, { heading: string; cure: string }>> = strings.messages.byCode;
  const statuses: Readonly<Record<string, { status: number }>> = errorCodes;
  const known = Object.hasOwn(messages, code) ? messages[code] : undefined;
  const status = Object.hasOwn(statuses, code) ? statuses[code]?.status : undefined;
  const message = known ?? (status === 503 ? strings.messages.unavailable : strings.messages.other);
  return { heading: message.heading, text: errorText(strings, code), cure: message.cure, code };
}
