import type { Visit } from './records.ts';

/** The code system of the test hosts' categories. */
export const categorySystem = 'https://ehr.example.org/fhir/CodeSystem/appointment-category';

/** The categories of the test hosts, with the codings by which FHIR resources carry them. */
export const fhirCategories = [
  { id: '5', name: 'Ketamine infusion', codings: [{ system: categorySystem, code: '5' }] },
  {
    id: '8',
    name: 'Psychotherapy',
    graceSeconds: 300,
    codings: [
      { system: categorySystem, code: '8' },
      { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY' },
    ],
  },
  { id: '12', name: 'Substance use treatment', scope: 'category' as const },
  { id: '0', name: 'Asks every time', graceSeconds: 0, codings: [{ system: categorySystem, code: '0' }] },
  { id: '1', name: 'Office visit', sensitive: false, codings: [{ system: categorySystem, code: '1' }] },
];

/** A visit of the test hosts as a FHIR R4 Appointment. */
export const fhirVisit = ({ id, patientId, category, notes }: Visit) => ({
  resourceType: 'Appointment' as const,
  id,
  meta: { versionId: '1' },
  status: 'booked' as const,
  serviceType: [{ coding: [{ system: categorySystem, code: category }] }],
  comment: notes,
  participant: [{ actor: { reference: `Patient/${patientId}` }, status: 'accepted' as const }],
});

/** A searchset of visits, each with its patient included. */
export function fhirSearchset(visits: Iterable<Visit>) {
  const all = [...visits];
  const patients = [...new Set(all.map((visit) => visit.patientId))];
  return {
    resourceType: 'Bundle' as const,
    type: 'searchset' as const,
    total: all.length,
    entry: [
      ...all.map((visit) => ({ resource: fhirVisit(visit), search: { mode: 'match' as const } })),
      ...patients.map((id) => ({
        resource: { resourceType: 'Patient' as const, id, name: [{ family: `Family of ${id}` }] },
        search: { mode: 'include' as const },
      })),
    ],
  };
}
