import {
  type ChallengePassed,
  type Countersign,
  CountersignError,
  type ErrorCode,
  type OpenChallenge,
  type SessionPrincipal,
} from '@countersign/core';
import { h } from 'preact';
import { z } from 'zod';
import type { StepUp } from '../guard/step-up.ts';
import { DRAFT_BODY_LIMIT, type Draft, openDraft } from '../http/draft.ts';
import { jsonReply, redirectReply, type WebReply } from '../http/web-reply.ts';
import { wantsPage } from '../http/web-request.ts';
import { ElsewherePage, MessagePage } from '../pages/pages.ts';
import type { Web } from '../web.ts';
import { endpoint, type SignedInCall } from './endpoint.ts';
import { factorErrorOf } from './factor-error-of.ts';
import { challengeId, factorId } from './factor-input.ts';
import { remainingPath } from './remaining.ts';
import { draftField, resendReply } from './resend.ts';
import { withReturn } from './return-path.ts';

/** What an answer to a challenge can be refused with. */
export const answerErrors = [
  'challenge_unknown',
  'factor_not_accepted',
  'code_malformed',
  'code_incorrect',
  'code_already_used',
  'answer_refused',
  'password_required',
  'attempts_delayed',
  'factor_locked',
  'factor_disabled',
  'factor_unknown',
  'session_ended',
  'settings_unknown',
  'identity_provider_unavailable',
] as const satisfies readonly ErrorCode[];

/** Where an answered challenge is shown: the page of a challenge that is open, else the way back to what was wanted. */
export const challengePage = endpoint({
  name: 'challengePage',
  summary: 'The page of an open challenge',
  method: 'GET',
  face: 'page',
  path: '/challenge/:id',
  params: z.object({ id: challengeId }),
  async handle({ web, request, principal, params }) {
    const { countersign } = web;
    const challenge = await countersign.challenge(principal, params.id);
    // Answered in another tab meanwhile: nobody is asked for what they have already given.
    if (challenge.returnTo !== null && (await isMet(countersign, principal, challenge)))
      return redirectReply(challenge.returnTo);
    return await web.challengePage(request, principal, challenge, { status: 200 });
  },
});

/** Whether what a challenge asks is met by now: by an answer in another tab, or by emergency access. */
export async function isMet(
  countersign: Countersign,
  principal: SessionPrincipal,
  challenge: OpenChallenge,
): Promise<boolean> {
  const { decision } = await countersign.authorize(principal, {
    workspaceId: principal.workspaceId,
    action: challenge.action,
    guarded: '*',
    subjects: challenge.subjects.map(({ patientId, categoryIds }) => ({ patientId, carried: categoryIds })),
    account: challenge.account,
    strength: challenge.strength,
    orFactors: new Set(challenge.orFactors),
    summary: challenge.summary,
    operation: challenge.operation === null ? undefined : () => challenge.operation ?? '',
    purpose: 'judge',
  });
  return decision.outcome === 'allow';
}

type AnswerCall = SignedInCall<unknown, unknown, unknown>;
type AnswerBody = Readonly<Record<string, unknown>> & { readonly draft?: string | undefined };

export const challengeAnswer = endpoint({
  name: 'challengeAnswer',
  summary: 'Answers a challenge with a factor, or begins to where that takes two steps',
  method: 'POST',
  face: 'page',
  path: '/challenge/:id/:factor',
  // Besides the answer, what was refused may travel in the form.
  bodyLimit: DRAFT_BODY_LIMIT,
  params: z.object({ id: challengeId, factor: factorId }),
  body: z.looseObject({ code: z.string().optional(), draft: draftField.optional() }),
  async handle(call) {
    const { web, stepUp, request, principal, params, body } = call;
    const { countersign } = web;
    if (!wantsPage(request.headers)) {
      const passed = await countersign.answerChallenge(principal, params.id, params.factor, body);
      return await passedReply(web, stepUp, passed, (answer) => jsonReply(200, answer));
    }
    const sealed = body.draft === '' ? undefined : body.draft;
    // First, so that a draft which is not this session's costs nobody a code.
    const draft = sealed === undefined ? null : await openDraft(web, principal, sealed);
    // Read before it is answered: a lock-out voids it, and the page has to say so.
    const challenge = await challengeUnlessKept(call, params.id, draft);
    if (!('id' in challenge)) return await resendReply(web, request, principal, challenge, 'ended');
    return await showingErrors(call, challenge, params.factor, sealed, () =>
      isBeginning(web, params.factor, body)
        ? beginReply(call, challenge, params.factor, sealed)
        : answerReply(call, challenge.id, params.factor, body, draft),
    );
  },
});

/**
 * Where another site sends the person back to: one address for every challenge, so that it can be registered there. Which challenge
 * was begun is found by what the answer carries (OAuth's `state`), once, in this session.
 */
export const recheck = endpoint({
  name: 'recheck',
  summary: 'Takes the answer of another site (an identity provider) to a challenge',
  method: 'GET',
  face: 'page',
  path: '/recheck/:factor',
  params: z.object({ factor: factorId }),
  async handle(call) {
    const { web, request, principal, params } = call;
    const { countersign } = web;
    const query = request.url.includes('?') ? request.url.slice(request.url.indexOf('?')) : '';
    const answer = { callbackUrl: `${web.url(`/recheck/${params.factor}`)}${query}` };
    const id = await countersign.challengeBegun(principal, params.factor, answer);
    const challenge = await countersign.challenge(principal, id);
    return await showingErrors(call, challenge, params.factor, undefined, () =>
      answerReply(call, challenge.id, params.factor, answer),
    );
  },
});

/** A ceremony without the members of an answer: the person wants to begin. One without a script gets told so by the factor's refusal. */
function isBeginning(web: Web, factorId: string, body: AnswerBody): boolean {
  const factor = web.countersign.configuration.factors.find((candidate) => candidate.id === factorId);
  return factor?.answeredBy === 'ceremony' && body.response === undefined && !factor.isWellFormed(body);
}

/** The challenge; where it has ended and a draft waits, that: it can be sent for another one, and nothing is lost. */
async function challengeUnlessKept(call: AnswerCall, id: string, draft: Draft | null): Promise<OpenChallenge | Draft> {
  try {
    return await call.web.countersign.challenge(call.principal, id);
  } catch (error) {
    if (draft === null || !CountersignError.is(error) || error.code !== 'challenge_unknown') throw error;
    return draft;
  }
}

async function beginReply(
  call: AnswerCall,
  challenge: OpenChallenge,
  factor: string,
  draft: string | undefined,
): Promise<WebReply> {
  const { web, request, principal } = call;
  const callbackUrl = new URL(web.url(`/recheck/${factor}`));
  const invitation = await web.countersign.beginAnswer(principal, challenge.id, factor, callbackUrl);
  const { redirectTo, message, answer } = invitation;
  if (typeof redirectTo === 'string') {
    // No redirect: the page that sent the form allows itself to send forms to its own origin only, redirects included (CSP3
    // `form-action`), and which other site it will be is not known before.
    const kept = draft === undefined ? {} : { draft, resendAction: web.path('/resend') };
    const reply = web.page(request, principal, h(ElsewherePage, { factor, href: redirectTo, ...kept }));
    // What is kept travels in this page alone: the other site gets a tab of its own.
    if (draft !== undefined) return reply;
    return { ...reply, headers: { ...reply.headers, refresh: `0; url=${redirectTo}` } };
  }
  const fields = Object.entries(typeof answer === 'object' && answer !== null ? answer : {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return await web.challengePage(request, principal, challenge, {
    status: 200,
    begun: { factor, message: typeof message === 'string' ? message : '', answer: Object.fromEntries(fields) },
    ...(draft === undefined ? {} : { kept: { sealed: draft, notKept: null } }),
  });
}

async function answerReply(
  call: AnswerCall,
  id: string,
  factor: string,
  body: AnswerBody,
  draft: Draft | null = null,
): Promise<WebReply> {
  const { web, stepUp, request, principal } = call;
  const passed = await web.countersign.answerChallenge(principal, id, factor, body);
  return await passedReply(web, stepUp, passed, async () => {
    if (draft !== null) return await resendReply(web, request, principal, draft, 'confirmed', passed.remaining);
    const { returnTo } = passed.challenge;
    // A code is gone: how many are left is said once, on the way.
    if (passed.remaining !== null) return redirectReply(withReturn(remainingPath(web), returnTo));
    if (returnTo !== null) return redirectReply(returnTo);
    const { passed: text, links } = web.strings(request);
    const page = h(MessagePage, { ...text, primary: { label: links.home, href: web.homePath } });
    return web.page(request, principal, page);
  });
}

/** A refused answer is shown where it was given; other errors have pages of their own. */
async function showingErrors(
  { web, request, principal }: AnswerCall,
  challenge: OpenChallenge,
  factor: string,
  draft: string | undefined,
  work: () => Promise<WebReply>,
): Promise<WebReply> {
  try {
    return await work();
  } catch (error) {
    const shown = factorErrorOf(error, factor);
    if (shown === null || !CountersignError.is(error)) throw error;
    web.report(error);
    return await web.challengePage(request, principal, challenge, {
      status: error.status,
      error: shown,
      ...(draft === undefined ? {} : { kept: { sealed: draft, notKept: null } }),
    });
  }
}

/** The body of an answered challenge. */
export const passedSchema = z.object({
  verified: z.literal(true),
  challengeId: z.string(),
  /** When the proof ends for what was asked. */
  endsAt: z.iso.datetime(),
  returnTo: z.string().nullable(),
  /** Recovery codes that are left. */
  remaining: z.int().optional(),
});

/** The binding cookie goes out with the reply, and the host's session id is rotated first where the host asked for it. */
export async function passedReply(
  web: Web,
  stepUp: StepUp,
  passed: ChallengePassed,
  reply: (answer: z.output<typeof passedSchema>) => WebReply | Promise<WebReply>,
): Promise<WebReply> {
  await stepUp.rotateHostSession();
  const { challenge, binding, remaining } = passed;
  const made = await reply({
    verified: true,
    challengeId: challenge.id,
    endsAt: new Date(passed.endsAt).toISOString(),
    returnTo: challenge.returnTo,
    ...(remaining === null ? {} : { remaining }),
  });
  return binding === null ? made : { ...made, cookies: [web.cookie.set(binding)] };
}
