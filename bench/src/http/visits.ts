/** What every route of the bench serves. The look-up is asynchronous and costs nothing, so that what is measured is all around it. */
export interface Visit {
  readonly id: string;
  readonly workspaceId: string;
  readonly patientId: string;
  readonly category: string;
  readonly notes: string;
}

const visits: ReadonlyMap<string, Visit> = new Map([
  [
    'v1',
    {
      id: 'v1',
      workspaceId: 'clinic',
      patientId: 'p1',
      category: '5',
      notes: 'Synthetic. Second infusion, well tolerated.',
    },
  ],
]);

export async function findVisit(id: string): Promise<Visit | null> {
  return visits.get(id) ?? null;
}

/** The URL that is asked again and again. */
export const VISIT_PATH = '/visits/v1';

/** What a host keeps in its session. */
export interface SignedIn {
  readonly userId: string;
  readonly workspaceId: string;
  readonly roles: readonly string[];
  readonly at: number;
}

export const signedIn = (): SignedIn => ({ userId: 'u1', workspaceId: 'clinic', roles: ['clinician'], at: Date.now() });
