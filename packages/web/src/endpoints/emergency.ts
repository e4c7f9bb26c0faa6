import {
  CountersignError,
  type EmergencyGrant,
  type EmergencyOptions,
  type EmergencyRequest,
  type ErrorCode,
  type SessionPrincipal,
} from '@countersign/core';
import { h } from 'preact';
import { z } from 'zod';
import { type EmergencyAbout, wayTo } from '../guard/emergency-way.ts';
import { DRAFT_BODY_LIMIT, openDraft } from '../http/draft.ts';
import { redirectReply, type WebReply } from '../http/web-reply.ts';
import type { WebRequest } from '../http/web-request.ts';
import {
  type EmergencyEntry,
  type EmergencyField,
  type EmergencyNotice,
  EmergencyPage,
  emergencyParticulars,
  OwnEmergencyPage,
} from '../pages/pages.ts';
import { textFor } from '../strings/format.ts';
import type { Strings } from '../strings/strings.ts';
import type { Web } from '../web.ts';
import {
  aboutOf,
  emergencyPurpose,
  emergencyText,
  grantPath,
  patientId,
  secondsLeft,
  waitingOrNone,
} from './emergency-input.ts';
import { endpoint, type SignedInCall } from './endpoint.ts';
import { returnQuery } from './factor-input.ts';
import { draftField, resendReply } from './resend.ts';
import { withReturn } from './return-path.ts';

const PAGE = '/emergency';
const notices = ['ended', 'approved', 'declined', 'gone'] as const satisfies readonly EmergencyNotice[];

export const emergencyPage = endpoint({
  name: 'emergencyPage',
  summary: 'Asks for emergency access; without a patient or purpose, the principal’s own',
  method: 'GET',
  face: 'page',
  path: PAGE,
  query: returnQuery.extend({
    purpose: emergencyPurpose.optional().catch(undefined),
    patient: patientId.optional().catch(undefined),
    done: z.enum(notices).optional().catch(undefined),
  }),
  async handle(call) {
    const { web, request, principal, query } = call;
    const about = aboutOf(query);
    if (about === null) return await ownReply(web, request, principal, query.done);
    return await formReply(call, { about, returnTo: web.paths.returnPath(query.returnTo) });
  },
});

const typed = emergencyText.catch('').default('');

export const emergencyStart = endpoint({
  name: 'emergencyStart',
  summary: 'Opens emergency access, or asks a second person to approve it',
  method: 'POST',
  face: 'page',
  path: PAGE,
  // What was refused may travel along.
  bodyLimit: DRAFT_BODY_LIMIT,
  query: returnQuery.extend({
    purpose: emergencyPurpose.optional().catch(undefined),
    patient: patientId.optional().catch(undefined),
  }),
  body: z.looseObject({
    purpose: emergencyPurpose.optional().catch(undefined),
    patient: patientId.optional().catch(undefined),
    returnTo: z.string().max(2000).optional().catch(undefined),
    reason: typed,
    purposeOfUse: typed,
    recipient: typed,
    facility: typed,
    nature: typed,
    draft: draftField.optional(),
    do: z.literal('show').optional().catch(undefined),
  }),
  async handle(call) {
    const { web, request, principal, query, body } = call;
    const about = aboutOf({ ...query, ...body });
    if (about === null) throw new CountersignError('input_invalid', { field: 'patient' });
    const draft = body.draft === '' ? undefined : body.draft;
    const shown = { about, returnTo: web.paths.returnPath(body.returnTo ?? query.returnTo), draft };
    if (body.do === 'show') return await formReply(call, shown);
    // Before it, so that a draft which is not this session's opens nothing.
    if (draft !== undefined) await openDraft(web, principal, draft);
    let grant: EmergencyGrant;
    try {
      grant = await web.countersign.emergency.start(principal, requestOf(about, body));
    } catch (error) {
      if (!CountersignError.is(error) || !inTheForm.has(error.code)) throw error;
      return await formReply(call, { ...shown, values: body }, error);
    }
    if (draft !== undefined) return await keptReply(web, request, principal, draft, grant);
    const { returnTo } = shown;
    if (grant.status === 'open' && returnTo !== null) return redirectReply(returnTo);
    return redirectReply(withReturn(grantPath(web, grant.id), returnTo));
  },
});

/** What was typed before, to be sent now, or once the second person has approved. */
async function keptReply(
  web: Web,
  request: WebRequest,
  principal: SessionPrincipal,
  sealed: string,
  { status }: EmergencyGrant,
): Promise<WebReply> {
  const draft = await openDraft(web, principal, sealed);
  return await resendReply(web, request, principal, draft, status === 'open' ? 'emergency' : 'waiting');
}

type Typed = Readonly<Record<EmergencyField, string>>;

/** Fields that are not asked, or left empty, are not sent on. */
function requestOf(about: EmergencyAbout, { reason, purposeOfUse, ...body }: Typed): EmergencyRequest {
  const particulars = emergencyParticulars
    .map((field): [string, string] => [field, body[field].trim()])
    .filter(([, value]) => value !== '');
  return { ...about, reason, purposeOfUse, ...Object.fromEntries(particulars) };
}

/** Refusals that are said beside a field. */
const inTheForm: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'emergency_reason_insufficient',
  'emergency_field_required',
  'input_invalid',
]);

interface Shown {
  readonly about: EmergencyAbout;
  readonly returnTo: string | null;
  readonly draft?: string | undefined;
  readonly values?: Typed;
}

/** The form; what is open already is shown instead, and who may not ask is told why. */
async function formReply(
  { web, request, principal }: SignedInCall<unknown, unknown, unknown>,
  { about, returnTo, draft, values }: Shown,
  failed?: CountersignError,
): Promise<WebReply> {
  const options = await web.countersign.emergency.options(principal, about);
  if (options.open !== null) {
    if (draft !== undefined) return await keptReply(web, request, principal, draft, options.open);
    return redirectReply(withReturn(grantPath(web, options.open.id), returnTo));
  }
  if (!options.available) throw new CountersignError(options.refusal ?? 'emergency_unavailable');
  const { errors, problem } = wrong(web.strings(request), options, values, failed);
  const page = h(EmergencyPage, {
    formAction: web.path(PAGE),
    ...about,
    patientLabel: await web.patientLabel(principal, about.patientId),
    windowSeconds: options.windowSeconds,
    purposesOfUse: options.purposesOfUse,
    fields: options.fields,
    needsApproval: options.needsApproval,
    values,
    errors,
    problem,
    draft,
    returnTo: returnTo ?? undefined,
    cancelHref: returnTo ?? web.homePath,
  });
  return web.page(request, principal, page, failed?.status ?? 200);
}

/** Everything that is missing at once, beside what the flow has found first. */
function wrong(
  { emergency, errors: texts }: Strings,
  options: EmergencyOptions,
  values: Typed | undefined,
  failed: CountersignError | undefined,
): { readonly errors: ReadonlyMap<EmergencyField, string>; readonly problem?: string } {
  const errors = new Map<EmergencyField, string>();
  if (failed === undefined || values === undefined) return { errors };
  const field = failed.code === 'emergency_reason_insufficient' ? 'reason' : failed.details.field;
  if (field === 'reason') errors.set('reason', texts.emergency_reason_insufficient);
  if (!options.purposesOfUse.includes(values.purposeOfUse)) errors.set('purposeOfUse', emergency.chooseOne);
  for (const one of emergencyParticulars) {
    if (options.fields[one] === 'required' && values[one].trim() === '') errors.set(one, emergency.missing);
    else if (field === one) errors.set(one, textFor(texts, failed.code, texts.input_invalid));
  }
  return errors.size > 0 ? { errors } : { errors, problem: textFor(texts, failed.code, texts.input_invalid) };
}

/** A person's own, and what waits for their approval. */
async function ownReply(
  web: Web,
  request: WebRequest,
  principal: SessionPrincipal,
  notice: EmergencyNotice | undefined,
): Promise<WebReply> {
  const { emergency } = web.countersign;
  const own = await emergency.own(principal);
  const toApprove = await waitingOrNone(web, principal);
  const entries = (grants: typeof own): Promise<EmergencyEntry[]> =>
    Promise.all(
      grants.map(async (grant) => ({
        grant,
        patientLabel: await web.patientLabel(principal, grant.patientId),
        href: grantPath(web, grant.id),
        secondsLeft: secondsLeft(web, grant),
      })),
    );
  const recovery = await wayTo(web, principal, { purpose: 'administrative', patientId: null }, web.path('/factors'));
  const page = h(OwnEmergencyPage, {
    own: await entries(own),
    toApprove: await entries(toApprove),
    recoveryHref: recovery?.href,
    notice,
  });
  return web.page(request, principal, page);
}
