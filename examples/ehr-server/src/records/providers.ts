export interface Provider {
  readonly id: string;
  readonly name: string;
}

/** Who sees patients. The first two have accounts of the same id. */
export const providers: readonly Provider[] = [
  { id: 'clinician', name: 'Dr. Casey Sample' },
  { id: 'clinician2', name: 'Dr. Robin Specimen' },
  { id: 'visiting', name: 'Dr. Morgan Mockley' },
];

export function providerName(id: string): string {
  return providers.find((provider) => provider.id === id)?.name ?? id;
}
