import {
  type Authorization,
  CountersignError,
  type Decision,
  type OpenChallenge,
  refusalCode,
  type SessionPrincipal,
  StepUpRequiredError,
} from '@countersign/core';
import { sealDraft } from '../http/draft.ts';
import { isForeign } from '../http/same-site.ts';
import { problemReply, redirectReply, type WebReply } from '../http/web-reply.ts';
import { isSafeMethod, type WebRequest, wantsPage } from '../http/web-request.ts';
import type { Web } from '../web.ts';
import { type EmergencyWay, type Judged, wayFromChallenge } from './emergency-way.ts';

/** The decision where nobody is signed in: there is no session to ask anything else of. */
export const noPrincipal = Object.freeze({ outcome: 'deny', reason: 'no-principal', reasons: [] } as const);

/** What a decision that refuses looks like to its caller: a page to a person, a problem document to a program. */
export async function refusalReply(
  web: Web,
  request: WebRequest,
  principal: SessionPrincipal | null,
  authorization: Pick<Authorization, 'decision' | 'challenge'>,
  judged: Judged | null = null,
): Promise<WebReply> {
  const { decision, challenge } = authorization;
  if (decision.outcome === 'allow') throw new CountersignError('internal');
  const error = new StepUpRequiredError(refusalCode(decision), decision, challenge);
  return await stepUpReply(web, request, principal, error, judged);
}

/** The same for a `StepUpRequiredError` that a flow or a handler threw. */
export async function stepUpReply(
  web: Web,
  request: WebRequest,
  principal: SessionPrincipal | null,
  error: StepUpRequiredError,
  judged: Judged | null = null,
): Promise<WebReply> {
  const { challenge, decision, code } = error;
  if (!wantsPage(request.headers)) return problem(web, error, await wayOn(web, request, principal, error, judged));
  const safe = isSafeMethod(request.method);
  if (!safe && isForeign(web.paths.origin, request.headers)) {
    return web.messagePage(request, principal, new CountersignError('cross_site_refused'));
  }
  if (challenge !== null && principal !== null) {
    if (safe) return redirectReply(web.challengePath(challenge.id));
    const kept = await sealDraft(web, request, principal);
    return await web.challengePage(request, principal, challenge, { status: 401, kept });
  }
  if (code === 'sign_in_required' && safe && decision.outcome === 'deny') {
    const signIn = web.signInPath(web.paths.fromSeen(request.url));
    if (signIn !== null) return redirectReply(signIn);
  }
  const way = await wayOn(web, request, principal, error, judged);
  return web.messagePage(request, principal, error, way?.href);
}

/** The way to emergency access: only where a factor is asked, or none would do. A session that has ended is no emergency. */
async function wayOn(
  web: Web,
  request: WebRequest,
  principal: SessionPrincipal | null,
  { challenge, decision }: StepUpRequiredError,
  judged: Judged | null,
): Promise<EmergencyWay | null> {
  if (challenge !== null && principal !== null) return await wayFromChallenge(web, principal, challenge);
  const noFactorWouldDo = decision.outcome === 'deny' && factorless.has(decision.reason);
  return noFactorWouldDo ? await web.emergencyWay(request, principal, judged) : null;
}

const factorless: ReadonlySet<string> = new Set(['must-enrol', 'no-suitable-factor', 'factor-disabled']);

function problem(web: Web, error: StepUpRequiredError, way: EmergencyWay | null): WebReply {
  const { challenge, decision } = error;
  const members = {
    reasons: reasonsOf(web, decision),
    ...(challenge === null ? {} : challengeMembers(web, challenge, decision)),
    ...(error.code === 'factor_required' ? { enrolmentUrl: web.url('/factors') } : {}),
    ...(way === null ? {} : { emergencyUrl: `${web.paths.origin}${way.href}` }),
  };
  return problemReply(error, members, error.status === 401 ? { 'www-authenticate': authenticate(error) } : {});
}

function challengeMembers(web: Web, challenge: OpenChallenge, decision: Decision) {
  return {
    challengeId: challenge.id,
    challengeUrl: web.url(`/challenge/${challenge.id}`),
    // So that a front end need not know how we are mounted.
    apiUrl: web.apiUrl,
    factors: decision.outcome === 'challenge' ? decision.factors : [],
    expiresAt: new Date(challenge.expiresAt).toISOString(),
  };
}

/** Why, without whose record it is: the caller knows that, and a log of replies should not. */
function reasonsOf(web: Web, decision: Decision) {
  if (decision.outcome === 'allow') return [];
  if (decision.outcome === 'locked') return [{ kind: decision.reason }];
  if (decision.reasons.length === 0 && decision.outcome === 'deny') return [{ kind: decision.reason }];
  return decision.reasons.map(({ kind, categoryId, strength, graceSeconds }) => ({
    kind,
    ...(web.options.nameCategories ? { category: categoryId } : {}),
    strength,
    graceSeconds,
  }));
}

/** RFC 9470 §3: what would be enough. `phr` is the OpenID EAP value for phishing-resistant. */
function authenticate(error: StepUpRequiredError): string {
  const { decision } = error;
  if (decision.outcome !== 'challenge') return 'Bearer error="invalid_token"';
  const maxAge = Math.min(...decision.reasons.map((reason) => reason.graceSeconds));
  const acr = decision.strength === 'phishing-resistant' ? 'phr' : 'mfa';
  return `Bearer error="insufficient_user_authentication", error_description="A second factor is needed", acr_values="${acr}", max_age="${Number.isFinite(maxAge) ? maxAge : 0}"`;
}
