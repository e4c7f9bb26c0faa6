import type { Coding } from '../configuration/detect-categories.ts';
import { fhirCodings } from './fhir-codings.ts';
import { fhirPatients } from './fhir-patient.ts';
import { type JsonObject, listOf, objectsIn, resourceTypeOf } from './read-json.ts';

/** Whose a FHIR resource is and what it carries, as `filter` takes it. */
export interface FhirLabels {
  readonly workspaceId: string;
  /** Null: of no patient, or of one that is not named clearly. Withheld where it carries a sensitive category. */
  readonly patientId: string | null;
  readonly categories: readonly Coding[];
}

/**
 * The labels of a FHIR resource with all that is in it: contained resources, entries of a Bundle, resources of Parameters. One
 * for each patient of each resource that carries codings; none where nothing carries any. What is contained belongs to the
 * patients of what contains it, unless it names its own. Which codings are sensitive is for the configuration to say.
 */
export function fhirLabels(resource: unknown, workspaceId: string): readonly FhirLabels[] {
  return labelsOf(resource, workspaceId, []);
}

function labelsOf(resource: unknown, workspaceId: string, around: readonly (string | null)[]): FhirLabels[] {
  if (resourceTypeOf(resource) === null) return [];
  const named = fhirPatients(resource);
  const patients = named.length > 0 ? named : around;
  const categories = fhirCodings(resource);
  const own = (patients.length > 0 ? patients : [null]).map((patientId) => ({ workspaceId, patientId, categories }));
  const inside = resourcesIn(resource).flatMap((one) => labelsOf(one, workspaceId, patients));
  return categories.length > 0 ? [...own, ...inside] : inside;
}

/** Resources that are part of another one and leave with it. */
export function resourcesIn(resource: unknown): readonly unknown[] {
  return [
    ...objectsIn(resource, 'contained'),
    ...objectsIn(resource, 'entry').flatMap((entry) => listOf(entry.resource)),
    ...objectsIn(resource, 'parameter').flatMap(resourcesOfParameter),
  ];
}

const resourcesOfParameter = (parameter: JsonObject): unknown[] => [
  ...listOf(parameter.resource),
  ...objectsIn(parameter, 'part').flatMap(resourcesOfParameter),
];
