import { fhirLabels, type ItemLabels, siftBundle, suppressedOutcome } from '@countersign/core';

/** A FHIR resource in a payload, with the labels of all that is in it: withheld whole or not at all. */
export interface FoundResource {
  readonly resource: object;
  readonly labels: readonly ItemLabels[];
}

/** Resources that only hold others: their parts are judged one by one. */
const holders: ReadonlySet<unknown> = new Set(['Bundle', 'Parameters']);

/** Whether there is anything in a payload that calls itself a FHIR resource. Models say by `toJSON` what they look like outside. */
export function holdsResource(payload: unknown): boolean {
  if (typeof payload !== 'object' || payload === null) return false;
  const toJSON: unknown = Reflect.get(payload, 'toJSON');
  const value: unknown = typeof toJSON === 'function' ? toJSON.call(payload) : payload;
  if (typeof value !== 'object' || value === null) return false;
  return typeOf(value) !== null || Object.values(value).some(holdsResource);
}

/** The FHIR resources in a plain payload, wherever they stand in it. */
export function resourcesInPayload(payload: unknown, workspaceId: string): readonly FoundResource[] {
  if (typeof payload !== 'object' || payload === null) return [];
  const inside = () => Object.values(payload).flatMap((member) => [...resourcesInPayload(member, workspaceId)]);
  const type = typeOf(payload);
  if (type === null || holders.has(type)) return inside();
  // What is contained gets the patient of what contains it; what stands where FHIR knows no place for it, goes with it as well.
  const labels = [
    ...fhirLabels(payload, workspaceId),
    ...inside().flatMap((found) => found.labels.filter(namesPatient)),
  ];
  return [{ resource: payload, labels }];
}

/** A copy of a plain payload without the refused resources; where they stood, an OperationOutcome says that something is withheld. */
export async function withoutResources(payload: unknown, refused: ReadonlySet<unknown>): Promise<unknown> {
  if (refused.has(payload)) return suppressedOutcome();
  if (typeof payload !== 'object' || payload === null) return payload;
  const without = (value: unknown) => withoutResources(value, refused);
  if (Array.isArray(payload)) {
    const kept = await Promise.all(payload.filter((element) => !refused.has(element)).map(without));
    return kept.length < payload.length ? [...kept, suppressedOutcome()] : kept;
  }
  if (typeOf(payload) === 'Bundle') return await withoutEntries(payload, refused);
  const members = Object.entries(payload).map(async ([name, member]) => [name, await without(member)] as const);
  return Object.fromEntries(await Promise.all(members));
}

/** As `siftBundle` would, with the verdicts that are known by now. */
async function withoutEntries(bundle: object, refused: ReadonlySet<unknown>): Promise<object> {
  const verdicts = new Map<ItemLabels, boolean>();
  const sifter = {
    async filter<Item>(_principal: object, items: readonly Item[], describe: (item: Item) => ItemLabels) {
      const withheld = items.filter((item) => verdicts.get(describe(item)) !== false);
      return { visible: items.filter((item) => !withheld.includes(item)), withheld };
    },
  };
  const describe = (resource: unknown): readonly ItemLabels[] => {
    const labels: ItemLabels = { workspaceId: '', patientId: null, categories: [] };
    verdicts.set(labels, holdsRefused(resource, refused));
    return [labels];
  };
  return await siftBundle(sifter, { workspaceId: '' }, bundle, describe);
}

const holdsRefused = (value: unknown, refused: ReadonlySet<unknown>): boolean =>
  refused.has(value) ||
  (typeof value === 'object' && value !== null && Object.values(value).some((member) => holdsRefused(member, refused)));

const namesPatient = ({ patientId }: ItemLabels): boolean => patientId !== null;

function typeOf(value: object): string | null {
  const type: unknown = Array.isArray(value) ? undefined : Reflect.get(value, 'resourceType');
  return typeof type === 'string' && type !== '' ? type : null;
}
