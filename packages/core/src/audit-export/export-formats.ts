import { stringify } from 'csv-stringify/sync';
import { type AuditRecord, auditTextFields } from '../audit/event.ts';
import { fhirAuditEvent } from './fhir-audit-event.ts';

/** What the log can be exported as. `fhir`: one AuditEvent a line; `fhir-bundle`: all of them in one Bundle. */
export const auditExportFormats = ['csv', 'ndjson', 'fhir', 'fhir-bundle'] as const;
/** One of {@link auditExportFormats}. */
export type AuditExportFormat = (typeof auditExportFormats)[number];

/** How events are written one after the other. */
export interface AuditExportWriter {
  readonly mediaType: string;
  /** Of the file's name. */
  readonly extension: string;
  readonly begin: string;
  /** `first`: nothing was written before it. */
  event(record: AuditRecord, first: boolean): string;
  readonly end: string;
}

/** By format. `publicUrl`: what names in FHIR lie below. */
export function auditExportWriter(format: AuditExportFormat, publicUrl: URL): AuditExportWriter {
  const fhir = (record: AuditRecord) => JSON.stringify(fhirAuditEvent(record, publicUrl));
  switch (format) {
    case 'csv':
      return {
        mediaType: 'text/csv; charset=utf-8; header=present',
        extension: 'csv',
        begin: csvLine(columns),
        event: (record) => csvLine(Object.values(auditRecordJson(record)).map(csvText)),
        end: '',
      };
    case 'ndjson':
      return {
        mediaType: 'application/x-ndjson; charset=utf-8',
        extension: 'ndjson',
        begin: '',
        event: (record) => `${JSON.stringify(auditRecordJson(record))}\n`,
        end: '',
      };
    case 'fhir':
      return {
        mediaType: 'application/fhir+ndjson; charset=utf-8',
        extension: 'fhir.ndjson',
        begin: '',
        event: (record) => `${fhir(record)}\n`,
        end: '',
      };
    case 'fhir-bundle':
      return {
        mediaType: 'application/fhir+json; charset=utf-8',
        extension: 'fhir.json',
        begin: '{"resourceType":"Bundle","type":"collection","entry":[',
        event: (record, first) => `${first ? '' : ','}{"fullUrl":"urn:uuid:${record.id}","resource":${fhir(record)}}`,
        end: ']}',
      };
  }
}

/** An event as JSON has it: every recorded field, by its name. `at` in ISO 8601, `hash` in hex. */
export type AuditRecordJson = {
  readonly [Field in keyof Omit<AuditRecord, 'at' | 'hash' | 'index'>]: AuditRecord[Field];
} & {
  readonly at: string;
  readonly index: number;
  readonly hash: string;
};

/** In the order of the columns of a CSV. */
export function auditRecordJson(record: AuditRecord): AuditRecordJson {
  return {
    at: new Date(record.at).toISOString(),
    ...(Object.fromEntries(auditTextFields.map((field) => [field, record[field]])) as Pick<
      AuditRecord,
      (typeof auditTextFields)[number]
    >),
    id: record.id,
    stream: record.stream,
    index: record.index,
    hash: Buffer.from(record.hash).toString('hex'),
  };
}

const columns = ['at', ...auditTextFields, 'id', 'stream', 'index', 'hash'] as const;

/** RFC 4180. Everything is quoted, so that a separator of another country's spreadsheets separates nothing. */
const csvLine = (cells: readonly (string | null)[]): string =>
  stringify([[...cells]], { quoted: true, record_delimiter: '\r\n' });

/**
 * Text that a spreadsheet would take for a formula gets an apostrophe in front, which makes it text. Also behind what other
 * settings than ours take for the end of a cell or line, and behind quotes and white space that they take away before they look.
 */
const csvText = (value: string | number | null): string | null =>
  value === null ? null : String(value).replace(FORMULA_WITHIN, "$&'").replace(FORMULA, "'");
const FORMULA_WITHIN = /[;\t\r\n](?=[\s"']*[=+\-@\uff1d\uff0b\uff0d\uff20])/gu;
const FORMULA = /^(?=[\s"']*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])/u;
