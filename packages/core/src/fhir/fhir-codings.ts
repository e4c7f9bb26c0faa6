import type { Coding } from '../configuration/detect-categories.ts';
import { isObject, type JsonObject, listOf, objectsIn } from './read-json.ts';

/** Where resources say what kind of care they are about. `class` is a Coding in R4, a CodeableConcept in R5. */
const elements = [
  'serviceType',
  'serviceCategory',
  'appointmentType',
  'specialty',
  'type',
  'category',
  'class',
  'code',
] as const;

/**
 * The codings by which a FHIR resource (R4 or R5) tells its sensitivity: `meta.security` (v3-ActCode, v3-Confidentiality), and
 * `serviceType`, `serviceCategory`, `appointmentType`, `specialty`, `type`, `category`, `class` and `code`, whether they are
 * written as Coding, CodeableConcept or CodeableReference, once or several times. System and code, since bare codes collide.
 * What is contained in it is not looked into. Never throws: of anything that is no resource, an empty list.
 */
export function fhirCodings(resource: unknown): Coding[] {
  if (!isObject(resource)) return [];
  return [
    ...objectsIn(resource.meta, 'security').flatMap(codingsOf),
    ...elements.flatMap((name) => listOf(resource[name]).filter(isObject).flatMap(codingsOf)),
  ];
}

function codingsOf(value: JsonObject): Coding[] {
  const { concept, coding, system, code } = value;
  // CodeableReference (R5) holds a concept, CodeableConcept holds codings, and a Coding is one.
  const nested = isObject(concept) ? objectsIn(concept, 'coding') : [];
  return [...nested, ...listOf(coding).filter(isObject), { system, code }].flatMap(whole);
}

function whole({ system, code }: { readonly system?: unknown; readonly code?: unknown }): Coding[] {
  return typeof system === 'string' && typeof code === 'string' ? [{ system, code }] : [];
}
