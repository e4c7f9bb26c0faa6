/** Parsed JSON as it may really be: members are read without trusting any shape. */
export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The elements of what FHIR allows once or several times; of anything that is not there, none. */
export const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];

/** A FHIR resource's type, or null for what is no resource. */
export const resourceTypeOf = (value: unknown): string | null =>
  isObject(value) && typeof value.resourceType === 'string' && value.resourceType !== '' ? value.resourceType : null;

/** The objects among the members of that name. */
export const objectsIn = (value: unknown, name: string): readonly JsonObject[] =>
  isObject(value) ? listOf(value[name]).filter(isObject) : [];
