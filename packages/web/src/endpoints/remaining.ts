import { h } from 'preact';
import { RemainingPage } from '../pages/pages.ts';
import type { Web } from '../web.ts';
import { endpoint } from './endpoint.ts';
import { returnQuery } from './factor-input.ts';

const PAGE = '/factors/remaining';

export const remainingPath = (web: Web): string => web.path(PAGE);

/** After a recovery code was used: counted from what is stored, so that a reload or a changed address tells nothing else. */
export const remainingPage = endpoint({
  name: 'remainingPage',
  summary: 'How many recovery codes are left',
  method: 'GET',
  face: 'page',
  path: PAGE,
  query: returnQuery,
  async handle({ web, request, principal, query }) {
    const held = await web.countersign.enrolment.list(principal);
    const remaining = held.reduce((sum, factor) => sum + (factor.remaining ?? 0), 0);
    const page = h(RemainingPage, {
      remaining,
      continueHref: web.paths.returnPath(query.returnTo) ?? web.homePath,
      factorsHref: web.path('/factors'),
    });
    return web.page(request, principal, page);
  },
});
