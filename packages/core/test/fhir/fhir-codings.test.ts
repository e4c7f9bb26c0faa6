import t from 'tap';
import { fhirCodings } from '../../src/fhir/fhir-codings.ts';
import { fhirLabels } from '../../src/fhir/fhir-labels.ts';
import { fhirPatientId } from '../../src/fhir/fhir-patient.ts';

const coding = (code: string, system = 'urn:codes') => ({ system, code });
const concept = (...codes: string[]) => ({ coding: codes.map((code) => ({ ...coding(code), display: 'shown' })) });
const codes = (resource: unknown) => fhirCodings(resource).map(({ code }) => code);

t.test('codings are read from the label and from what kind of care it is', async (t) => {
  const appointment = {
    resourceType: 'Appointment',
    meta: { security: [coding('PSY', 'http://terminology.hl7.org/CodeSystem/v3-ActCode')], tag: [coding('not-read')] },
    serviceType: [concept('a', 'b'), concept('c')],
    serviceCategory: [concept('d')],
    appointmentType: concept('e'),
    specialty: [concept('f')],
  };
  t.strictSame(codes(appointment), ['PSY', 'a', 'b', 'c', 'd', 'e', 'f']);
  t.strictSame(fhirCodings(appointment)[0], {
    system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode',
    code: 'PSY',
  });
  t.strictSame(codes({ resourceType: 'Encounter', class: coding('AMB'), type: [concept('x')] }), ['x', 'AMB']);
  t.strictSame(codes({ resourceType: 'DocumentReference', type: concept('t'), category: [concept('k')] }), ['t', 'k']);
  t.strictSame(codes({ resourceType: 'Composition', type: concept('t'), category: [concept('k')] }), ['t', 'k']);
  t.strictSame(codes({ resourceType: 'Procedure', code: concept('p') }), ['p']);
});

t.test('R5 writes references to concepts, and lists where R4 has one', async (t) => {
  const serviceType = [{ concept: concept('r5') }, { reference: { reference: 'HealthcareService/1' } }];
  t.strictSame(codes({ resourceType: 'Appointment', serviceType }), ['r5']);
  t.strictSame(codes({ resourceType: 'Encounter', class: [concept('AMB')] }), ['AMB']);
});

t.test('half a coding is none, since bare codes collide', async (t) => {
  const serviceType = [{ coding: [{ code: 'a' }, { system: 'urn:codes' }, { system: 1, code: 'a' }, null, 'a'] }];
  t.strictSame(fhirCodings({ resourceType: 'Appointment', serviceType }), []);
});

t.test('nothing odd makes it throw', async (t) => {
  const odd = [undefined, null, 0, 'Appointment', [], [{}], () => 1, { meta: 1 }, { meta: { security: 'PSY' } }];
  const nested = [{ serviceType: 5 }, { serviceType: [[concept('a')]] }, { type: { coding: { coding: 3 } } }];
  for (const one of [...odd, ...nested]) {
    t.strictSame(fhirCodings(one), []);
    t.equal(fhirPatientId(one), null);
    t.strictSame(fhirLabels(one, 'clinic'), []);
  }
});

t.test('whose a resource is', async (t) => {
  const to = (reference: unknown, more: object = {}) => ({ reference, ...more });
  const cases: [object, string | null][] = [
    [{ resourceType: 'Patient', id: 'p1' }, 'p1'],
    [{ resourceType: 'Patient' }, null],
    [{ resourceType: 'Encounter', subject: to('Patient/p1') }, 'p1'],
    [{ resourceType: 'Immunization', patient: to('Patient/p1/_history/3') }, 'p1'],
    [{ resourceType: 'Task', for: to('https://ehr.example.org/fhir/Patient/p1') }, 'p1'],
    [{ resourceType: 'Coverage', beneficiary: to('Patient/p1') }, 'p1'],
    [{ resourceType: 'ResearchSubject', individual: to('Patient/p1') }, 'p1'],
    [{ resourceType: 'AppointmentResponse', actor: to('Patient/p1') }, 'p1'],
    [
      {
        resourceType: 'Appointment',
        participant: [{ actor: to('Practitioner/d1') }, { actor: to('Patient/p1') }, { status: 'accepted' }],
      },
      'p1',
    ],
    [{ resourceType: 'Observation', subject: to('Group/g1') }, null],
    [{ resourceType: 'Observation', subject: to('Patient/../p2') }, null],
    [{ resourceType: 'Observation', subject: to('Patient/p1?x=1') }, null],
    [{ resourceType: 'Observation', subject: { type: 'Patient', identifier: { value: '1' } } }, null],
    // Ids within a resource, and of entries, are only unique where they stand: a proof for one would open others.
    [{ resourceType: 'Observation', subject: to('#p1'), contained: [{ resourceType: 'Patient', id: 'p1' }] }, null],
    [{ resourceType: 'Observation', subject: to('urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0') }, null],
    // Two patients: nobody can say which one.
    [{ resourceType: 'Observation', subject: to('Patient/p1'), patient: to('Patient/p2') }, null],
    [{ resourceType: 'Observation', subject: to('Patient/p1'), patient: to('Patient/p1') }, 'p1'],
  ];
  for (const [resource, expected] of cases) t.equal(fhirPatientId(resource), expected, JSON.stringify(resource));
});

t.test('labels name every patient, and everything that leaves inside', async (t) => {
  const group = {
    resourceType: 'Appointment',
    serviceType: [concept('group')],
    participant: [{ actor: { reference: 'Patient/p1' } }, { actor: { reference: 'Patient/p2' } }],
  };
  const labels = (patientId: string | null, ...ids: string[]) => ({
    workspaceId: 'clinic',
    patientId,
    categories: ids.map((id) => coding(id)),
  });
  t.strictSame(fhirLabels(group, 'clinic'), [labels('p1', 'group'), labels('p2', 'group')]);

  const outer = {
    resourceType: 'Encounter',
    subject: { reference: 'Patient/p1' },
    contained: [
      { resourceType: 'Procedure', code: concept('inner') },
      { resourceType: 'Procedure', code: concept('other'), subject: { reference: 'Patient/p3' } },
    ],
  };
  t.strictSame(fhirLabels(outer, 'clinic'), [labels('p1', 'inner'), labels('p3', 'other')]);

  const parameters = { resourceType: 'Parameters', parameter: [{ part: [{ part: [{ resource: group }] }] }] };
  t.strictSame(fhirLabels(parameters, 'clinic'), [labels('p1', 'group'), labels('p2', 'group')]);
  t.strictSame(fhirLabels({ resourceType: 'Procedure', code: concept('x') }, 'clinic'), [labels(null, 'x')]);
  t.strictSame(fhirLabels({ resourceType: 'Organization', id: 'o' }, 'clinic'), []);
});
