import { isObject, objectsIn, resourceTypeOf } from './read-json.ts';

/** Elements that name the subject of care. `for` is Task's, `beneficiary` Coverage's, `individual` ResearchSubject's. */
const elements = ['subject', 'patient', 'for', 'beneficiary', 'individual', 'actor'] as const;

/**
 * `Patient/17`, also with a version behind it or a server in front. Of a reference into the resource itself (`#p`), to an entry
 * of a message (`urn:uuid:…`), or by identifier alone nobody can say whose record it is: such ids are only unique where they stand.
 */
const patientReference = /^(?:https?:\/\/[^?#]*\/)?Patient\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;

/** Whose a resource is, or null where it names nobody, nobody clearly, or several. */
export function fhirPatientId(resource: unknown): string | null {
  const [only, ...others] = fhirPatients(resource);
  return only === undefined || others.length > 0 ? null : only;
}

/** Everybody whose a resource is, each once. Null stands for a patient that is named, but not clearly. */
export function fhirPatients(resource: unknown): readonly (string | null)[] {
  if (!isObject(resource)) return [];
  if (resourceTypeOf(resource) === 'Patient') {
    return [typeof resource.id === 'string' && resource.id !== '' ? resource.id : null];
  }
  const references = [
    ...elements.flatMap((name) => objectsIn(resource, name)),
    ...objectsIn(resource, 'participant').flatMap((participant) => objectsIn(participant, 'actor')),
  ];
  return [...new Set(references.flatMap((reference) => patientOf(reference, resource)))];
}

function patientOf(reference: object, resource: object): (string | null)[] {
  const { reference: address, type } = reference as { readonly reference?: unknown; readonly type?: unknown };
  if (typeof address !== 'string') return type === 'Patient' ? [null] : [];
  const id = patientReference.exec(address)?.[1];
  if (id !== undefined) return [id];
  const maybe = typeof type === 'string' ? type === 'Patient' : mayBePatient(address, resource);
  return maybe ? [null] : [];
}

function mayBePatient(address: string, resource: object): boolean {
  if (/(?:^|\/)Patient[/?]/.test(address) || address.startsWith('urn:')) return true;
  if (!address.startsWith('#')) return false;
  const contained = objectsIn(resource, 'contained').find((one) => one.id === address.slice(1));
  return contained === undefined || resourceTypeOf(contained) === 'Patient';
}
