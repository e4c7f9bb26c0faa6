import type { GuardedRecord, Resource } from '@countersign/web';

/** A record of the test hosts. */
export interface Visit {
  readonly id: string;
  readonly workspaceId: string;
  patientId: string;
  category: string;
  notes: string;
}

/**
 * The records of one test host: `v1` and `v2` of patients `p1` and `p2` are sensitive (category 5), `v8` of `p1` is psychotherapy
 * (category 8), `v0` of `p1` asks each time (category 0, no grace period), `v3` of `p1` is ordinary (category 1), `far` belongs to
 * another workspace, `broken` cannot be loaded.
 */
export function makeVisits(): Map<string, Visit> {
  const visit = (id: string, patientId: string, category: string, workspaceId = 'clinic'): [string, Visit] => [
    id,
    { id, workspaceId, patientId, category, notes: `notes of ${id}` },
  ];
  return new Map([
    visit('v1', 'p1', '5'),
    visit('v2', 'p2', '5'),
    visit('v8', 'p1', '8'),
    visit('v0', 'p1', '0'),
    visit('v3', 'p1', '1'),
    visit('far', 'p9', '5', 'elsewhere'),
  ]);
}

/** A record as a guard's `resource` returns it. */
export function resourceOf(visits: ReadonlyMap<string, Visit>, id: string): Resource<Visit> | null {
  if (id === 'broken') throw new Error('connection string postgres://secret@db failed');
  const value = visits.get(id);
  return value === undefined
    ? null
    : { workspaceId: value.workspaceId, patientId: value.patientId, categories: [value.category], value };
}

/** What an edit would make of a record, as a guard's `target` returns it. */
export function targetOf(visits: ReadonlyMap<string, Visit>, id: string, body: unknown): GuardedRecord | null {
  const visit = visits.get(id);
  const change = (typeof body === 'object' && body !== null ? body : {}) as Partial<Visit>;
  if (visit === undefined && change.patientId === undefined) return null;
  return {
    workspaceId: 'clinic',
    patientId: change.patientId ?? visit?.patientId ?? '',
    categories: [change.category ?? visit?.category ?? '1'],
  };
}
