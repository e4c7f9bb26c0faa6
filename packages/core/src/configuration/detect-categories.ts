import type { Category } from './configuration.ts';

/** A coding as FHIR writes it. */
export interface Coding {
  readonly system?: string | undefined;
  readonly code?: string | undefined;
}

/**
 * Maps codings to declared categories. System *and* code must match, since bare codes collide between systems; codings that no
 * category declares are ordinary. Made once; a look-up per coding.
 */
export function categoryDetector(categories: Iterable<Category>): (codings: readonly Coding[]) => readonly string[] {
  const byCoding = new Map<string, string>();
  for (const category of categories) {
    for (const { system, code } of category.codings) byCoding.set(codingKey(system, code), category.id);
  }
  return (codings) => {
    const found = new Set<string>();
    for (const { system, code } of codings) {
      const id = system === undefined || code === undefined ? undefined : byCoding.get(codingKey(system, code));
      if (id !== undefined) found.add(id);
    }
    return [...found];
  };
}

const codingKey = (system: string, code: string): string => JSON.stringify([system, code]);
