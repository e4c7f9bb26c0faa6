import { auditSortFields } from '@countersign/core';
import { format, textFor } from '../strings/format.ts';
import { EventCode } from './audit-event-words.tsx';
import { instantFormatter } from './format-instant.ts';
import { Instant } from './instant.tsx';
import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { useShell } from './shell.ts';

/** Whether it can be shown that the event is in the sealed log. */
export type AuditEventProof =
  | {
      readonly state: 'sealed';
      /** Counted from 1. */
      readonly leaf: number;
      readonly size: number;
      readonly checkpoint: string;
      /** For `countersign audit` and for verifiers of others. */
      readonly json: string;
      readonly downloadHref: string;
    }
  | { readonly state: 'not-sealed' | 'unproven' };

export interface AuditEventPageProps {
  readonly at: Date;
  readonly code: string;
  /** Every recorded field by its name, as text; null where it has no value. */
  readonly fields: Readonly<Record<string, string | null>>;
  readonly proof: AuditEventProof;
  readonly listHref: string;
  /** Everything under the same emergency access. */
  readonly emergencyHref?: string | undefined;
}

/** One event: all that is recorded of it, and the proof that it is in the log. */
export function AuditEventPage({ at, code, fields, proof, listHref, emergencyHref }: AuditEventPageProps) {
  const { lang, strings, timeZone } = useShell();
  const { audit } = strings;
  const text = audit.event;
  const written = instantFormatter(lang, timeZone ?? 'UTC', true);
  return (
    <Layout title={textFor(audit.codes, code, code)} page="audit" width="wide">
      <p class="cs-actions cs-no-print">
        <Link href={listHref}>{text.back}</Link>
        <Link href={emergencyHref}>{audit.emergencyAccessId}</Link>
      </p>
      <h2>{text.recorded}</h2>
      <dl class="cs-facts cs-facts-record">
        {auditSortFields.map((field) => {
          const value = fields[field] ?? null;
          if (value === null) return null;
          return (
            <div key={field}>
              <dt>{audit.fields[field]}</dt>
              <dd class="cs-fact-text">
                {field === 'at' ? (
                  <>
                    <Instant at={at} text={written(at)} /> <span class="cs-raw">{value}</span>
                  </>
                ) : field === 'code' ? (
                  <EventCode code={value} strings={strings} />
                ) : field === 'details' ? (
                  <pre class="cs-raw-block">{value}</pre>
                ) : (
                  value
                )}
              </dd>
            </div>
          );
        })}
      </dl>
      <h2>{text.proof}</h2>
      {proof.state === 'sealed' ? (
        <>
          <p>{format(text.sealed, { leaf: proof.leaf, size: proof.size })}</p>
          <p class="cs-actions cs-no-print">
            <Link href={proof.downloadHref} look="secondary">
              {text.download}
            </Link>
          </p>
          <h3>{text.checkpoint}</h3>
          <pre class="cs-raw-block">{proof.checkpoint}</pre>
          <details class="cs-details cs-no-print">
            <summary>{text.proofJson}</summary>
            <pre class="cs-raw-block">{proof.json}</pre>
          </details>
        </>
      ) : (
        <p>{proof.state === 'not-sealed' ? text.notSealed : text.unproven}</p>
      )}
    </Layout>
  );
}
