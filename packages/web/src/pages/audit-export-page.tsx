import type { AuditExportFormat } from '@countersign/core';
import type { AuditFilterValues } from './audit-filter.tsx';
import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { safeHref } from './safe-href.ts';
import { useShell } from './shell.ts';

export interface AuditExportPageProps {
  /** A path without query: the form is a GET. */
  readonly formAction: string;
  readonly formats: readonly AuditExportFormat[];
  readonly chosen: AuditExportFormat;
  readonly values: AuditFilterValues;
  readonly listHref: string;
}

/** What is exported, and as what. Shown once a fresh proof was given, so that the download needs no way round. */
export function AuditExportPage({ formAction, formats, chosen, values, listHref }: AuditExportPageProps) {
  const { audit } = useShell().strings;
  const text = audit.export;
  const asked = Object.entries(values).filter(([, value]) => value !== '');
  const names: Readonly<Record<keyof AuditFilterValues, string>> = {
    ...audit.fields,
    from: audit.from,
    until: audit.until,
    category: audit.category,
    sort: audit.sortBy,
    order: audit.order,
  };
  return (
    <Layout title={text.title} page="audit">
      <p>{text.intro}</p>
      <h2>{text.filtered}</h2>
      {asked.length === 0 ? (
        <p>{text.everything}</p>
      ) : (
        <dl class="cs-facts">
          {asked.map(([name, value]) => (
            <div key={name}>
              <dt>{names[name as keyof AuditFilterValues]}</dt>
              <dd class="cs-fact-text">{value}</dd>
            </div>
          ))}
        </dl>
      )}
      <form class="cs-form" method="get" action={safeHref(formAction)}>
        {asked.map(([name, value]) => (
          <input key={name} type="hidden" name={name} value={value} />
        ))}
        <fieldset class="cs-field">
          <legend class="cs-label">{text.format}</legend>
          {formats.map((format) => (
            <div class="cs-choice" key={format}>
              <input type="radio" id={`cs-${format}`} name="format" value={format} checked={format === chosen} />
              <label for={`cs-${format}`}>{text.formats[format]}</label>
            </div>
          ))}
        </fieldset>
        <p class="cs-hint">{text.csvHint}</p>
        <p class="cs-actions">
          <button class="cs-button" type="submit">
            {text.download}
          </button>
          <Link href={listHref}>{text.back}</Link>
        </p>
      </form>
    </Layout>
  );
}
