import {
  type AuditEventInput,
  type Coding,
  CountersignError,
  type ItemLabels,
  operationDigest,
  refusalCode,
  type SessionPrincipal,
  StepUpRequiredError,
} from '@countersign/core';
import { isSafeMethod, wantsPage } from '../http/web-request.ts';
import type { Web } from '../web.ts';
import { type FoundResource, holdsResource, resourcesInPayload, withoutResources } from './fhir-in-payload.ts';
import { noPrincipal } from './refusal.ts';
import type { StepUp } from './step-up.ts';

type MaybePromise<T> = T | Promise<T>;

/** What may leave in place of a payload. */
export interface InspectedPayload {
  readonly payload: unknown;
  /** Whether it held something of a declared category: no cache may keep it. */
  readonly labelled: boolean;
}

/** Labels that nothing in this request has allowed yet, with the category ids that they come to. */
interface OpenLabels {
  readonly resource: object | null;
  readonly labels: ItemLabels;
  readonly ids: readonly string[];
}

/**
 * Looks at JSON payloads before they leave, for sensitive records that their route forgot to guard. A safety net: it comes after
 * the handler, sees what calls itself a FHIR resource or is named by the host's `describe`, and neither text nor streams.
 */
export class ResponseInspection {
  readonly #web: Web;
  readonly #describe: ((payload: unknown, native: never) => readonly ItemLabels[]) | null;

  constructor(web: Web, describe: ((payload: unknown, native: never) => readonly ItemLabels[]) | null) {
    this.#web = web;
    this.#describe = describe;
  }

  /**
   * At once where there is nothing to ask about. Throws what the reply is to be instead: `step_up_required` and the like,
   * `response_withheld`, `resource_unavailable` where `describe` threw.
   */
  inspect<Native>(stepUp: StepUp<Native>, native: Native, payload: unknown): MaybePromise<InspectedPayload> {
    const described = this.#described(payload, native);
    if (described.length === 0 && !holdsResource(payload)) return { payload, labelled: false };
    return this.#judge(stepUp, payload, described);
  }

  #described(payload: unknown, native: unknown): readonly ItemLabels[] {
    if (this.#describe === null) return [];
    try {
      return this.#describe(payload, native as never);
    } catch (cause) {
      throw new CountersignError('resource_unavailable', { cause });
    }
  }

  async #judge<Native>(
    stepUp: StepUp<Native>,
    payload: unknown,
    described: readonly ItemLabels[],
  ): Promise<InspectedPayload> {
    stepUp.renewRequest();
    const principal = await stepUp.identify();
    // What is written is what is looked at: not getters, nor what a model hides.
    const plain: unknown = JSON.parse(JSON.stringify(payload) ?? 'null');
    const found = resourcesInPayload(plain, principal?.workspaceId ?? '');
    const all = [...described.map((labels) => this.#open(null, labels)), ...found.flatMap((one) => this.#openOf(one))];
    const labelled = all.filter(({ ids }) => ids.length > 0);
    const open = labelled.filter(({ labels, ids }) => !stepUp.allows(labels.patientId, ids));
    if (open.length === 0) return { payload, labelled: labelled.length > 0 };
    const { withheld } =
      principal === null
        ? { withheld: open }
        : await this.#web.countersign.filter(principal, open, ({ labels, ids }) => ({ ...labels, categories: ids }));
    if (withheld.length === 0) return { payload, labelled: true };
    if (withheld.some(({ resource }) => resource === null || resource === plain)) {
      await this.#refuse(stepUp, principal, withheld);
      return { payload, labelled: true };
    }
    await this.#record(stepUp, principal, withheld, null);
    const refused = new Set(withheld.map(({ resource }) => resource));
    return { payload: await withoutResources(plain, refused), labelled: true };
  }

  #openOf({ resource, labels }: FoundResource): readonly OpenLabels[] {
    return labels.map((one) => this.#open(resource, one));
  }

  #open(resource: object | null, labels: ItemLabels): OpenLabels {
    const ids = labels.categories.filter((category): category is string => typeof category === 'string');
    const codings = labels.categories.filter((category): category is Coding => typeof category !== 'string');
    return { resource, labels, ids: [...new Set([...ids, ...this.#web.detectCategories(codings)])] };
  }

  /** Asks for the step-up that the route did not ask for. Returns where the answer is there already: a proof for this request. */
  async #refuse<Native>(
    stepUp: StepUp<Native>,
    principal: SessionPrincipal | null,
    withheld: readonly OpenLabels[],
  ): Promise<void> {
    const error = await this.#refusal(stepUp, principal, withheld);
    if (error === null) return;
    await this.#record(stepUp, principal, withheld, error instanceof StepUpRequiredError ? error.challenge?.id : null);
    throw error;
  }

  async #refusal<Native>(
    stepUp: StepUp<Native>,
    principal: SessionPrincipal | null,
    withheld: readonly OpenLabels[],
  ): Promise<CountersignError | null> {
    if (principal === null) return new StepUpRequiredError('sign_in_required', noPrincipal, null);
    const { request } = stepUp;
    const byPatient = subjectsOf(withheld, principal.workspaceId);
    // What changed something is not asked to be repeated, and nobody can confirm for a patient that is not known.
    if (!isSafeMethod(request.method) || byPatient === null) return new CountersignError('response_withheld');
    const { paths, countersign } = this.#web;
    const url = paths.fromSeen(request.url);
    const authorize = () =>
      countersign.authorize(principal, {
        workspaceId: principal.workspaceId,
        action: 'view',
        guarded: '*',
        subjects: byPatient,
        operation: () => operationDigest({ name: `${request.method} ${url}` }),
        returnTo: () => (wantsPage(request.headers) ? paths.returnPath(url) : null),
      });
    const first = await authorize();
    const answered = first.challenge !== null && (await stepUp.answerByToken(first.challenge));
    const { decision, challenge } = answered ? await authorize() : first;
    return decision.outcome === 'allow' ? null : new StepUpRequiredError(refusalCode(decision), decision, challenge);
  }

  /** Awaited: nothing is withheld without a trace that names the route. */
  async #record<Native>(
    stepUp: StepUp<Native>,
    principal: SessionPrincipal | null,
    withheld: readonly OpenLabels[],
    challengeId: string | null | undefined,
  ): Promise<void> {
    const events = new Map<string, AuditEventInput>();
    for (const { labels, ids } of withheld) {
      events.set(JSON.stringify([labels.patientId, ids]), {
        ...stepUp.context,
        workspaceId: principal?.workspaceId ?? null,
        userId: principal?.userId ?? null,
        actorId: principal?.actor?.userId ?? null,
        code: 'RESPONSE_WITHHELD',
        outcome: 'refused',
        patientId: labels.patientId,
        categories: ids.join(','),
        action: 'view',
        reason: 'unguarded',
        challengeId: challengeId ?? null,
      });
    }
    await this.#web.countersign.audit.append([...events.values()]);
  }
}

/** What a guard would have judged; null where nobody can say whose it is. */
function subjectsOf(withheld: readonly OpenLabels[], workspaceId: string) {
  const byPatient = new Map<string, Set<string>>();
  for (const { labels, ids } of withheld) {
    if (labels.patientId === null || labels.patientId === '' || labels.workspaceId !== workspaceId) return null;
    byPatient.set(labels.patientId, new Set([...(byPatient.get(labels.patientId) ?? []), ...ids]));
  }
  return [...byPatient].map(([patientId, ids]) => ({ patientId, carried: [...ids] }));
}
