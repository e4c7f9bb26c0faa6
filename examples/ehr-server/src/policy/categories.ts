export interface Coding {
  readonly system: string;
  readonly code: string;
  readonly display: string;
}

export interface AppointmentCategory {
  readonly id: string;
  readonly name: string;
  readonly sensitive: boolean;
  /** For FHIR's `serviceType`. The first is always the clinic's own code. */
  readonly codings: readonly Coding[];
}

/** The clinic's own code system: its codes are the categories' ids. */
export const categorySystem = 'https://ehr.example.org/fhir/CodeSystem/appointment-category';
const serviceType = 'http://terminology.hl7.org/CodeSystem/service-type';

function category(id: string, name: string, sensitive: boolean, ...others: Coding[]): AppointmentCategory {
  return { id, name, sensitive, codings: [{ system: categorySystem, code: id, display: name }, ...others] };
}

export const categories: readonly AppointmentCategory[] = [
  category('1', 'Office visit', false, { system: serviceType, code: '124', display: 'General Practice' }),
  category('2', 'Follow-up', false),
  category('3', 'Vaccination', false, { system: serviceType, code: '57', display: 'Immunization' }),
  category('5', 'Ketamine infusion', true),
  category('8', 'Psychotherapy', true, {
    system: 'http://snomed.info/sct',
    code: '75516001',
    display: 'Psychotherapy',
  }),
  category('12', 'Substance use treatment', true),
];

const byId = new Map(categories.map((one) => [one.id, one]));

export function isCategoryId(value: unknown): value is string {
  return typeof value === 'string' && byId.has(value);
}

/** @throws {RangeError} for an id that no category has; the database refuses such rows */
export function categoryOf(id: string): AppointmentCategory {
  const found = byId.get(id);
  if (found === undefined) throw new RangeError(`There is no category ${id}.`);
  return found;
}
