import {
  type AuditExamination,
  type AuditExportFormat,
  auditExportFormats,
  type SessionPrincipal,
} from '@countersign/core';
import { h } from 'preact';
import { z } from 'zod';
import { NO_STORE, redirectReply, type WebReply } from '../http/web-reply.ts';
import { AuditExportPage } from '../pages/pages.ts';
import type { Web } from '../web.ts';
import { auditErrors } from './audit-api.ts';
import { auditApiQuery, auditFilterQuery, queryOf, readAuditFilter, readAuditQuery } from './audit-input.ts';
import { AUDIT_PATH } from './audit-log.ts';
import { endpoint } from './endpoint.ts';

const PATH = `${AUDIT_PATH}/export`;
const formQuery = auditFilterQuery.extend({ format: z.enum(auditExportFormats).catch('csv').default('csv') });

/** The proof is asked for here, where a person can be sent round by the challenge page, and not in the middle of a download. */
export const auditExportPage = endpoint({
  name: 'auditExportPage',
  summary: 'What of the audit log is exported, and as what',
  method: 'GET',
  face: 'page',
  path: PATH,
  query: formQuery,
  async handle({ web, request, principal, query }) {
    const { format, ...values } = query;
    await web.countersign.administration.assertExportProof(principal, here(web, query));
    const listHref = `${web.path(AUDIT_PATH)}${queryOf(values)}`;
    if (Object.keys(readAuditFilter(web, values).errors).length > 0) return redirectReply(listHref);
    const formAction = web.path(`${PATH}/file`);
    const page = h(AuditExportPage, { formAction, formats: auditExportFormats, chosen: format, values, listHref });
    return web.page(request, principal, page);
  },
});

export const auditExportFile = endpoint({
  name: 'auditExportFile',
  summary: 'The audit log as a file',
  method: 'GET',
  face: 'page',
  path: `${PATH}/file`,
  query: formQuery,
  async handle({ web, request, principal, query }) {
    const { format, ...values } = query;
    const { asked, errors } = readAuditFilter(web, values);
    await web.countersign.administration.assertAdministrator(principal);
    if (Object.keys(errors).length > 0) return redirectReply(here(web, query));
    return await exported(web, principal, request.method, format, asked, here(web, query));
  },
});

export const auditExportRead = endpoint({
  name: 'auditExportRead',
  summary: 'A workspace’s audit log as a file, streamed; takes a fresh proof, and is audited',
  method: 'GET',
  face: 'api',
  path: PATH,
  query: auditApiQuery.extend({
    format: z.enum(auditExportFormats, 'csv, ndjson, fhir or fhir-bundle is needed').default('ndjson'),
  }),
  produces: ['text/csv', 'application/x-ndjson', 'application/fhir+ndjson', 'application/fhir+json'],
  errors: [...auditErrors, 'audit_sort_too_wide', 'step_up_required', 'factor_required', 'person_required'],
  async handle({ web, request, principal, query }) {
    const { format, ...asked } = query;
    return await exported(web, principal, request.method, format, readAuditQuery(asked), null);
  },
});

const here = (web: Web, query: object): string => `${web.path(PATH)}${queryOf(query)}`;

async function exported(
  web: Web,
  principal: SessionPrincipal,
  method: string,
  format: AuditExportFormat,
  asked: AuditExamination,
  returnTo: string | null,
): Promise<WebReply> {
  // Who asks for the head alone gets nothing of the log, and leaves nothing on it.
  if (method === 'HEAD') return { status: 200, headers: { 'cache-control': NO_STORE }, body: '' };
  const { mediaType, fileName, body } = await web.countersign.administration.exportAudit(
    principal,
    { ...asked, format },
    returnTo,
  );
  const headers = {
    'content-type': mediaType,
    'content-disposition': `attachment; filename="${fileName}"`,
    'cache-control': NO_STORE,
    'x-content-type-options': 'nosniff',
  };
  return { status: 200, headers, body: reported(web, body) };
}

/** A fault after the first byte can only be told to the host's log, and to the caller by a reply that breaks off. */
function reported(web: Web, body: AsyncIterable<string>): AsyncIterable<string> {
  const pieces = body[Symbol.asyncIterator]();
  const failed = (error: unknown): never => {
    web.report(error);
    throw error;
  };
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => pieces.next().catch(failed),
      return: async () => (await pieces.return?.()) ?? { done: true, value: undefined },
    }),
  };
}
