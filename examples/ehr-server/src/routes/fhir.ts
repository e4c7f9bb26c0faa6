import { suppressedOutcome } from '@countersign/core';
import type { ListFilter } from '../policy/guarded-record.ts';
import type { Appointment } from '../records/appointment.ts';
import type { Records } from '../records/repository.ts';
import { fhirAppointment, fhirPatient, operationOutcome } from './fhir-resources.ts';
import { type AppointmentSearch, parseAppointmentSearch } from './fhir-search.ts';
import { json, type Reply } from './reply.ts';

const contentType = 'application/fhir+json';

/** The FHIR R4 face, read only. */
export interface Fhir {
  /** A searchset of what may be seen; where something is withheld, an OperationOutcome says so and no more. */
  searchAppointments(filter: ListFilter, query: unknown): Promise<Reply>;
  readAppointment(appointment: Appointment): Reply;
  readPatient(id: string): Promise<Reply>;
  /** `code` is from the value set issue-type. */
  failure(status: number, code: string, text: string): Reply;
}

export function createFhir(records: Records, publicUrl: string): Fhir {
  const base = `${publicUrl}/fhir`;
  const failure: Fhir['failure'] = (status, code, text) => json(operationOutcome(code, text), status, contentType);

  return {
    failure,

    async searchAppointments(filter, query) {
      const search = parseAppointmentSearch(query);
      if ('wrong' in search) return failure(400, 'value', `The search parameter ${search.wrong} is not valid.`);
      const { visible, withheld } = await filter(await records.appointments(search.query));
      return json(searchset(base, search, visible, withheld.length > 0), 200, contentType);
    },

    readAppointment(appointment) {
      const reply = json(fhirAppointment(appointment), 200, contentType);
      return { ...reply, headers: { ...reply.headers, etag: `W/"${appointment.version}"` } };
    },

    async readPatient(id) {
      const patient = await records.patient(id);
      return patient === null
        ? failure(404, 'not-found', 'There is no such patient.')
        : json(fhirPatient(patient), 200, contentType);
    },
  };
}

/** https://hl7.org/fhir/R4/bundle.html#searchset. `total` counts what may be seen: a count of the rest would tell of it. */
function searchset(base: string, search: AppointmentSearch, visible: readonly Appointment[], someWithheld: boolean) {
  const { count, offset, understood } = search;
  const shown = visible.slice(offset, offset + count);
  const link = (relation: string, from: number) => {
    const parameters = new URLSearchParams([...understood.map(([name, value]) => [name, value])]);
    parameters.set('_count', String(count));
    if (from > 0) parameters.set('_offset', String(from));
    return { relation, url: `${base}/Appointment?${parameters}` };
  };
  const links = [link('self', offset)];
  if (offset > 0) links.push(link('previous', Math.max(0, offset - count)));
  if (offset + count < visible.length) links.push(link('next', offset + count));
  const matches = shown.map((appointment) => ({
    fullUrl: `${base}/Appointment/${appointment.id}`,
    resource: fhirAppointment(appointment),
    search: { mode: 'match' },
  }));
  const outcome = { resource: suppressedOutcome(), search: { mode: 'outcome' } };
  const entry = someWithheld ? [...matches, outcome] : matches;
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    total: visible.length,
    link: links,
    // FHIR has no empty arrays.
    ...(entry.length === 0 ? {} : { entry }),
  };
}
