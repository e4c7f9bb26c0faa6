import { categoryOf } from '../policy/categories.ts';
import { type Appointment, endOf } from '../records/appointment.ts';
import type { Patient } from '../records/patient.ts';
import { providerName } from '../records/providers.ts';

export const patientNumberSystem = 'https://ehr.example.org/fhir/sid/medical-record-number';

/** https://hl7.org/fhir/R4/appointment.html */
export function fhirAppointment(appointment: Appointment) {
  const { id, version, status, categoryId, title, notes, start, minutes, patientId, patientName, providerId } =
    appointment;
  const category = categoryOf(categoryId);
  return {
    resourceType: 'Appointment',
    id,
    meta: { versionId: String(version) },
    status,
    serviceType: [{ coding: category.codings, text: category.name }],
    description: title,
    start: start.toISOString(),
    end: endOf(appointment).toISOString(),
    minutesDuration: minutes,
    // FHIR has no empty strings.
    ...(notes === '' ? {} : { comment: notes }),
    participant: [
      { actor: { reference: `Patient/${patientId}`, display: patientName }, status: 'accepted' },
      { actor: { reference: `Practitioner/${providerId}`, display: providerName(providerId) }, status: 'accepted' },
    ],
  };
}

/** https://hl7.org/fhir/R4/patient.html */
export function fhirPatient({ id, givenName, familyName, gender, birthDate }: Patient) {
  return {
    resourceType: 'Patient',
    id,
    identifier: [{ system: patientNumberSystem, value: id }],
    active: true,
    name: [{ use: 'official', text: `${givenName} ${familyName}`, family: familyName, given: [givenName] }],
    gender,
    birthDate,
  };
}

/** https://hl7.org/fhir/R4/operationoutcome.html; `code` is from the value set issue-type. */
export function operationOutcome(code: string, text: string) {
  return { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code, details: { text } }] };
}
