import { type Coding, categoryDetector } from '../configuration/detect-categories.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { Allow } from '../policy/decide.ts';
import type { CategoryPolicy } from '../policy/settings.ts';
import { accessAudit } from './authorization-events.ts';
import type { Authorizer } from './authorize.ts';
import type { Authorization } from './demand.ts';
import { eventOf, type Services, type SessionPrincipal } from './services.ts';
import { recordSafely } from './stand-in.ts';

/** Whose an item is and what it carries. */
export interface ItemLabels {
  readonly workspaceId: string;
  /** Null: of no patient, or nobody can say of which. Withheld where it carries a sensitive category. */
  readonly patientId: string | null;
  /** Category ids, or codings that categories declare. */
  readonly categories: readonly (string | Coding)[];
}

interface JudgedLabels {
  readonly workspaceId: string;
  readonly patientId: string | null;
  readonly categories: readonly string[];
}

/** A list, split into what the principal may see now and what is withheld until a step-up. */
export interface SiftedList<Item> {
  readonly visible: readonly Item[];
  readonly withheld: readonly Item[];
}

/**
 * Splits a list, so that it does not show what a record's own page guards. Items of one patient with the same categories are
 * judged once. Nothing is asked; what becomes visible by a proof is audited as an access, once per patient and categories.
 * An item that cannot be judged (another workspace, a category nobody declared) is withheld.
 */
export async function siftList<Item>(
  services: Services,
  authorizer: Authorizer,
  principal: SessionPrincipal,
  items: readonly Item[],
  describe: (item: Item) => ItemLabels,
): Promise<SiftedList<Item>> {
  const judged = new Map<string, Promise<boolean>>();
  const detect = categoryDetector(services.configuration.categories.values());
  const visible: Item[] = [];
  const withheld: Item[] = [];
  for (const item of items) {
    const { workspaceId, patientId, categories } = describe(item);
    const ids = categories.filter((category) => typeof category === 'string');
    const codings = categories.filter((category) => typeof category !== 'string');
    const labels = { workspaceId, patientId, categories: [...ids, ...detect(codings)] };
    const key = JSON.stringify([labels.workspaceId, labels.patientId, labels.categories]);
    let shown = judged.get(key);
    if (shown === undefined) {
      shown = judge(services, authorizer, principal, labels);
      judged.set(key, shown);
    }
    ((await shown) ? visible : withheld).push(item);
  }
  return { visible, withheld };
}

async function judge(
  services: Services,
  authorizer: Authorizer,
  principal: SessionPrincipal,
  labels: JudgedLabels,
): Promise<boolean> {
  if (labels.workspaceId !== principal.workspaceId) return false;
  const { configuration, audit } = services;
  if (configuration.unknownCategories === 'refuse' && labels.categories.some((id) => !configuration.categories.has(id)))
    return false;
  const authorization = await sifted(authorizer, principal, labels);
  if (authorization === null) return false;
  const { decision, settings } = authorization;
  // A one-shot proof is for the record's own page: a list would take it without using it.
  if (decision.outcome !== 'allow' || decision.basis === 'one-shot') return false;
  const sensitive = labels.categories.flatMap((id) => settings?.categories.get(id) ?? []);
  if (labels.patientId === null && sensitive.length > 0 && decision.basis !== 'disabled') return false;
  if (decision.basis === 'not-sensitive' || decision.basis === 'disabled') return true;
  const mode = accessAudit(sensitive);
  const event = accessEvent(principal, labels.patientId, sensitive, decision);
  if (decision.basis === 'emergency-access') await recordSafely(services, [event]);
  else if (mode === 'awaited') await audit.append([event]);
  else if (mode === 'batched') await audit.appendBehind(event);
  return true;
}

/** The decision about an item, or null where its patient id is unclear: one such row must not take the list away. */
async function sifted(
  authorizer: Authorizer,
  principal: SessionPrincipal,
  { workspaceId, patientId, categories }: JudgedLabels,
): Promise<Authorization | null> {
  try {
    const subjects = patientId === null ? [] : [{ patientId, carried: categories }];
    return await authorizer.authorize(principal, {
      workspaceId,
      action: 'view',
      guarded: '*',
      subjects,
      purpose: 'sift',
    });
  } catch (error) {
    if (CountersignError.is(error) && error.code === 'patient_unresolved') return null;
    throw error;
  }
}

function accessEvent(
  principal: SessionPrincipal,
  patientId: string | null,
  categories: readonly CategoryPolicy[],
  decision: Allow,
) {
  return eventOf(principal, decision.proof?.sessionNumber ?? null, {
    code: 'ACCESS_ALLOWED',
    outcome: 'success',
    patientId,
    categories: categories.map((category) => category.id).join(','),
    action: 'view',
    factor: decision.proof?.factor ?? null,
    reason: 'listed',
    emergencyAccessId: decision.emergencyAccess?.id ?? null,
  });
}
