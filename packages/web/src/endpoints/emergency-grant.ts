import { CountersignError, type EmergencyGrant, type SessionPrincipal } from '@countersign/core';
import { h } from 'preact';
import { z } from 'zod';
import { redirectReply, type WebReply } from '../http/web-reply.ts';
import type { WebRequest } from '../http/web-request.ts';
import { EmergencyApprovalPage, EmergencyGrantPage } from '../pages/pages.ts';
import type { Web } from '../web.ts';
import {
  againPath,
  emergencyId,
  emergencyText,
  grantPath,
  isRefusal,
  secondsLeft,
  waitingOrNone,
} from './emergency-input.ts';
import { endpoint } from './endpoint.ts';
import { returnQuery } from './factor-input.ts';
import { withReturn } from './return-path.ts';

const params = z.object({ id: emergencyId });

export const emergencyGrantPage = endpoint({
  name: 'emergencyGrantPage',
  summary: 'One emergency access: time left and its end, or the request for approval',
  method: 'GET',
  face: 'page',
  path: '/emergency/:id',
  params,
  query: returnQuery,
  async handle({ web, request, principal, params, query }) {
    const grant = await findOrNull(web, principal, params.id);
    if (grant?.userId === principal.userId)
      return await grantReply(web, request, principal, grant, web.paths.returnPath(query.returnTo));
    const waiting = await waitingFor(web, principal, params.id);
    if (waiting !== undefined) return await approvalReply(web, request, principal, waiting);
    if (grant === null) throw new CountersignError('not_found');
    return redirectReply(web.path(`/admin/reviews/${grant.id}`));
  },
});

export const emergencyEnd = endpoint({
  name: 'emergencyEnd',
  summary: 'Ends emergency access early, or withdraws a request for it',
  method: 'POST',
  face: 'page',
  path: '/emergency/:id/end',
  params,
  query: returnQuery,
  async handle({ web, principal, params, query }) {
    await endUnlessEnded(web, principal, params.id);
    return redirectReply(withReturn(grantPath(web, params.id), web.paths.returnPath(query.returnTo)));
  },
});

/** Its time may be up by the time the button is pressed: that is what was wanted. */
export async function endUnlessEnded(web: Web, principal: SessionPrincipal, id: string): Promise<void> {
  try {
    await web.countersign.emergency.end(principal, id);
  } catch (error) {
    if (!isRefusal(error, 'emergency_ended')) throw error;
  }
}

export const emergencyApprove = endpoint({
  name: 'emergencyApprove',
  summary: 'Approves somebody else’s emergency access: it opens from now',
  method: 'POST',
  face: 'page',
  path: '/emergency/:id/approve',
  params,
  async handle({ web, principal, params }) {
    return await decided(web, 'approved', () => web.countersign.emergency.approve(principal, params.id));
  },
});

export const emergencyDecline = endpoint({
  name: 'emergencyDecline',
  summary: 'Declines somebody else’s request for emergency access',
  method: 'POST',
  face: 'page',
  path: '/emergency/:id/decline',
  params,
  body: z.looseObject({ note: emergencyText.catch('').default('') }),
  async handle({ web, request, principal, params, body }) {
    const { emergency } = web.countersign;
    try {
      return await decided(web, 'declined', () => emergency.decline(principal, params.id, body.note));
    } catch (error) {
      if (!isRefusal(error, 'input_invalid')) throw error;
      const waiting = await waitingFor(web, principal, params.id);
      if (waiting === undefined) throw error;
      return await approvalReply(web, request, principal, waiting, body.note, error.status);
    }
  },
});

/** Answered by a redirect, so that a reload decides nothing again. What no longer waits is said, not shown as an error. */
async function decided(web: Web, done: 'approved' | 'declined', decide: () => Promise<unknown>): Promise<WebReply> {
  try {
    await decide();
    return redirectReply(`${web.path('/emergency')}?done=${done}`);
  } catch (error) {
    if (!isRefusal(error, 'emergency_ended', 'not_found')) throw error;
    return redirectReply(`${web.path('/emergency')}?done=gone`);
  }
}

async function waitingFor(web: Web, principal: SessionPrincipal, id: string): Promise<EmergencyGrant | undefined> {
  return (await waitingOrNone(web, principal)).find((grant) => grant.id === id);
}

async function findOrNull(web: Web, principal: SessionPrincipal, id: string): Promise<EmergencyGrant | null> {
  try {
    return await web.countersign.emergency.find(principal, id);
  } catch (error) {
    if (isRefusal(error, 'not_found')) return null;
    throw error;
  }
}

async function grantReply(
  web: Web,
  request: WebRequest,
  principal: SessionPrincipal,
  grant: EmergencyGrant,
  returnTo: string | null,
): Promise<WebReply> {
  const recovery = grant.purpose === 'administrative' ? web.path('/factors') : undefined;
  const page = h(EmergencyGrantPage, {
    grant,
    patientLabel: await web.patientLabel(principal, grant.patientId),
    secondsLeft: secondsLeft(web, grant),
    endAction: withReturn(`${grantPath(web, grant.id)}/end`, returnTo),
    continueHref: returnTo ?? recovery,
    homeHref: web.homePath,
    hereHref: withReturn(grantPath(web, grant.id), returnTo),
    againHref: againPath(web, grant, returnTo),
  });
  return web.page(request, principal, page);
}

async function approvalReply(
  web: Web,
  request: WebRequest,
  principal: SessionPrincipal,
  grant: EmergencyGrant,
  refusedNote?: string,
  status = 200,
): Promise<WebReply> {
  const { purpose, patientId } = grant;
  const { windowSeconds } = await web.countersign.emergency.options(principal, { purpose, patientId });
  const page = h(EmergencyApprovalPage, {
    grant,
    patientLabel: await web.patientLabel(principal, patientId),
    windowSeconds,
    approveAction: `${grantPath(web, grant.id)}/approve`,
    declineAction: `${grantPath(web, grant.id)}/decline`,
    cancelHref: web.homePath,
    refusedNote,
  });
  return web.page(request, principal, page, status);
}
