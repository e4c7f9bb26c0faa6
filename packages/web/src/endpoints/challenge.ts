import { type ChallengePassed, CountersignError } from '@countersign/core';
import { h } from 'preact';
import { z } from 'zod';
import type { StepUp } from '../guard/step-up.ts';
import { jsonReply, redirectReply, type WebReply } from '../http/web-reply.ts';
import { wantsPage } from '../http/web-request.ts';
import { MessagePage } from '../pages/pages.ts';
import type { Web } from '../web.ts';
import { endpoint } from './endpoint.ts';
import { factorErrorOf } from './factor-error-of.ts';

const challengeId = z.string().regex(/^[A-Za-z0-9_-]{22}$/, 'this is no challenge id');
const factorId = z.string().regex(/^[a-z0-9-]{1,32}$/, 'this is no factor');
/** Longer than any answer to a code field, shorter than what would be worth sending in bulk. Checked in full by the factor. */
const code = z.string('a code is needed, as text').max(64, 'a code is much shorter');

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
    const { decision } = await countersign.authorize(principal, {
      workspaceId: principal.workspaceId,
      action: challenge.action,
      guarded: '*',
      subjects: challenge.subjects.map(({ patientId, categoryIds }) => ({ patientId, carried: categoryIds })),
      account: challenge.account,
      operation: challenge.operation === null ? undefined : () => challenge.operation ?? '',
      purpose: 'judge',
    });
    if (decision.outcome === 'allow' && challenge.returnTo !== null) return redirectReply(challenge.returnTo);
    return await web.challengePage(request, principal, challenge, { status: 200 });
  },
});

export const challengeAnswer = endpoint({
  name: 'challengeAnswer',
  summary: 'Answers a challenge with a factor',
  method: 'POST',
  face: 'page',
  path: '/challenge/:id/:factor',
  params: z.object({ id: challengeId, factor: factorId }),
  body: z.looseObject({ code }),
  async handle({ web, stepUp, request, principal, params, body }) {
    const { countersign } = web;
    if (!wantsPage(request.headers)) {
      const passed = await countersign.answerChallenge(principal, params.id, params.factor, body);
      return await passedReply(web, stepUp, passed, (answer) => jsonReply(200, answer));
    }
    // Read before it is answered: a lock-out voids it, and the page has to say so.
    const challenge = await countersign.challenge(principal, params.id);
    try {
      const passed = await countersign.answerChallenge(principal, params.id, params.factor, body);
      return await passedReply(web, stepUp, passed, () => {
        if (passed.challenge.returnTo !== null) return redirectReply(passed.challenge.returnTo);
        const { passed: text, links } = web.strings(request);
        return web.page(
          request,
          principal,
          h(MessagePage, { ...text, primary: { label: links.home, href: web.homePath } }),
        );
      });
    } catch (error) {
      const shown = factorErrorOf(error, params.factor);
      if (shown === null || !CountersignError.is(error)) throw error;
      web.report(error);
      return await web.challengePage(request, principal, challenge, { status: error.status, error: shown });
    }
  },
});

/** The same flow for hosts with their own front end. */
export const verify = endpoint({
  name: 'verify',
  summary: 'Answers a challenge with a factor',
  method: 'POST',
  face: 'api',
  path: '/auth/mfa/verify',
  body: z.looseObject({ challengeId, factor: factorId.default('totp'), code }),
  async handle({ web, stepUp, principal, body }) {
    const passed = await web.countersign.answerChallenge(principal, body.challengeId, body.factor, body);
    return await passedReply(web, stepUp, passed, (answer) => jsonReply(200, answer));
  },
});

/** The binding cookie goes out with the reply, and the host's session id is rotated first where the host asked for it. */
async function passedReply(
  web: Web,
  stepUp: StepUp,
  passed: ChallengePassed,
  reply: (answer: Readonly<Record<string, unknown>>) => WebReply,
): Promise<WebReply> {
  await stepUp.rotateHostSession();
  const { challenge, binding } = passed;
  const made = reply({
    verified: true,
    challengeId: challenge.id,
    endsAt: new Date(passed.endsAt).toISOString(),
    returnTo: challenge.returnTo,
  });
  return binding === null ? made : { ...made, cookies: [web.cookie.set(binding)] };
}
