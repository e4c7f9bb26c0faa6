/** What was allowed in one request: categories by patient. Kept only where responses are inspected. */
export class AllowedRecords {
  readonly #byPatient = new Map<string, Set<string> | '*'>();

  /** `'*'`: whatever the patient's records carry. */
  add(patientId: string, categories: Iterable<string> | '*'): void {
    const held = this.#byPatient.get(patientId);
    if (held === '*') return;
    if (categories === '*') this.#byPatient.set(patientId, '*');
    else this.#byPatient.set(patientId, new Set([...(held ?? []), ...categories]));
  }

  covers(patientId: string | null, categories: readonly string[]): boolean {
    if (patientId === null) return false;
    const held = this.#byPatient.get(patientId);
    return held === '*' || (held !== undefined && categories.every((id) => held.has(id)));
  }
}
