import { CountersignError } from '../errors/countersign-error.ts';
import type { Allow } from '../policy/decide.ts';
import type { CategoryPolicy } from '../policy/settings.ts';
import { type Authorization, type Authorizer, accessAudit } from './authorize.ts';
import { eventOf, type Services, type SessionPrincipal } from './services.ts';

/** Whose an item is and what it carries. */
export interface ItemLabels {
  readonly workspaceId: string;
  readonly patientId: string;
  /** Category ids. */
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
  const visible: Item[] = [];
  const withheld: Item[] = [];
  for (const item of items) {
    const labels = describe(item);
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
  labels: ItemLabels,
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
  if (decision.basis === 'not-sensitive' || decision.basis === 'disabled') return true;
  const sensitive = labels.categories.flatMap((id) => settings?.categories.get(id) ?? []);
  const mode = accessAudit(sensitive);
  const event = accessEvent(principal, labels.patientId, sensitive, decision);
  if (mode === 'awaited') await audit.append([event]);
  else if (mode === 'batched') await audit.appendBehind(event);
  return true;
}

/** The decision about an item, or null where its patient id is unclear: one such row must not take the list away. */
async function sifted(
  authorizer: Authorizer,
  principal: SessionPrincipal,
  { workspaceId, patientId, categories }: ItemLabels,
): Promise<Authorization | null> {
  try {
    const subjects = [{ patientId, carried: categories }];
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
  patientId: string,
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
