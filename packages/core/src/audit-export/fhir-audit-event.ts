import { parseDetails } from '../audit/details.ts';
import type { AuditRecord } from '../audit/event.ts';
import { isObject } from '../fhir/read-json.ts';
import { auditEventKind, dicom, type FhirCoding, isPatientAccess } from './fhir-audit-codings.ts';

interface CodeableConcept {
  readonly coding: readonly FhirCoding[];
}
interface Identifier {
  readonly system?: string;
  readonly value: string;
}
interface Reference {
  readonly type?: string;
  readonly identifier?: Identifier;
  readonly display?: string;
}

/** Who took part. */
export interface FhirAuditAgent {
  readonly type: CodeableConcept;
  readonly who: Reference;
  readonly requestor: boolean;
  readonly network?: { readonly address: string; readonly type: '1' | '2' };
}

/** What it was about. */
export interface FhirAuditEntity {
  readonly what?: Reference;
  readonly type: FhirCoding;
  readonly role?: FhirCoding;
  readonly detail?: readonly { readonly type: string; readonly valueString: string }[];
}

/** An AuditEvent of FHIR R4 (4.0.1), as far as we write it. */
export interface FhirAuditEvent {
  readonly resourceType: 'AuditEvent';
  readonly id: string;
  readonly type: FhirCoding;
  readonly subtype: readonly FhirCoding[];
  readonly action: 'C' | 'R' | 'U' | 'D' | 'E';
  readonly recorded: string;
  readonly outcome: '0' | '4';
  readonly outcomeDesc?: string;
  readonly purposeOfEvent?: readonly CodeableConcept[];
  readonly agent: readonly FhirAuditAgent[];
  readonly source: { readonly observer: Reference; readonly site: string; readonly type: readonly FhirCoding[] };
  readonly entity?: readonly FhirAuditEntity[];
}

const OWN = 'urn:countersign:audit-code';
const ROLE = 'http://terminology.hl7.org/CodeSystem/object-role';
const ENTITY = 'http://terminology.hl7.org/CodeSystem/audit-entity-type';
const REASON = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';

const recipient: FhirCoding = {
  system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType',
  code: 'IRCP',
  display: 'information recipient',
};
const human: FhirCoding = {
  system: 'http://terminology.hl7.org/CodeSystem/extra-security-role-type',
  code: 'humanuser',
  display: 'human user',
};
const person: FhirCoding = { system: ENTITY, code: '1', display: 'Person' };
const systemObject: FhirCoding = { system: ENTITY, code: '2', display: 'System Object' };
const patientRole: FhirCoding = { system: ROLE, code: '1', display: 'Patient' };
const resourceRole: FhirCoding = { system: ROLE, code: '4', display: 'Domain Resource' };
const securityResource: FhirCoding = { system: ROLE, code: '13', display: 'Security Resource' };
const request: FhirCoding = {
  system: 'https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType',
  code: 'XrequestId',
  display: 'The X-Request-Id value',
};
const server: FhirCoding = {
  system: 'http://terminology.hl7.org/CodeSystem/security-source-type',
  code: '4',
  display: 'Application Server',
};
/** The two that emergency access is opened with. */
const purposes: Readonly<Record<string, string>> = { ETREAT: 'Emergency Treatment', BTG: 'break the glass' };

/**
 * An event as an AuditEvent: emergency access as DICOM's override (110127, 110138), factors as user authentication (110114), requests
 * for a patient's data in the shapes of IHE BALP (PatientRead and its kin), everything with our own code as a further subtype. People
 * and patients are identifiers below `publicUrl`, since what a host calls them need be no id of a FHIR server.
 */
export function fhirAuditEvent(record: AuditRecord, publicUrl: URL): FhirAuditEvent {
  const kind = auditEventKind(record);
  const reason = stringOf(record.reason);
  const purpose = purposeOf(record);
  const entities = [...entitiesOf(record, publicUrl)];
  return {
    resourceType: 'AuditEvent',
    id: record.id,
    type: kind.type,
    subtype: [...kind.subtype, { system: OWN, code: record.code, display: record.code }],
    action: kind.action,
    recorded: new Date(record.at).toISOString(),
    outcome: record.outcome === 'success' ? '0' : '4',
    ...(reason === null ? {} : { outcomeDesc: reason }),
    ...(purpose === null ? {} : { purposeOfEvent: [concept(purpose)] }),
    agent: [...agentsOf(record, publicUrl, kind.action)],
    source: { observer: observerOf(publicUrl), site: publicUrl.host, type: [server] },
    ...(entities.length === 0 ? {} : { entity: entities }),
  };
}

/** Who asked is the one and only requestor: under impersonation the real person. */
function* agentsOf(record: AuditRecord, publicUrl: URL, action: string): Generator<FhirAuditAgent> {
  const { userId, actorId, ip } = record;
  const access = isPatientAccess(record);
  const type = concept(access && action === 'R' ? recipient : human);
  const behind = actorId !== null && actorId !== userId ? nameOf(publicUrl, 'user', actorId) : null;
  const user = nameOf(publicUrl, 'user', userId);
  if (user !== null) yield { type, who: user, requestor: behind === null };
  if (behind !== null) yield { type: concept(human), who: behind, requestor: true };

  const address = stringOf(ip);
  const network = address === null ? {} : { network: { address, type: '2' as const } };
  if (access) {
    // What is read comes from the server; what is written goes to it.
    const [client, own] = action === 'R' ? [dicom.destination, dicom.source] : [dicom.source, dicom.destination];
    const who = { display: stringOf(record.userAgent) ?? 'unknown' };
    yield { type: concept(client), who, requestor: false, ...network };
    const here = { address: publicUrl.hostname, type: '1' as const };
    yield { type: concept(own), who: observerOf(publicUrl), requestor: false, network: here };
  } else if (address !== null) {
    const who = { display: stringOf(record.userAgent) ?? 'unknown' };
    yield { type: concept(dicom.source), who, requestor: false, ...network };
  }
  if (user === null && behind === null) {
    yield { type: concept(dicom.application), who: observerOf(publicUrl), requestor: false };
  }
}

function* entitiesOf(record: AuditRecord, publicUrl: URL): Generator<FhirAuditEntity> {
  const patient = nameOf(publicUrl, 'patient', record.patientId);
  if (patient !== null) yield { what: { type: 'Patient', ...patient }, type: person, role: patientRole };

  const route = stringOf(record.route);
  const said = detailsOf(record);
  if (isPatientAccess(record)) {
    yield { what: { display: route ?? 'unknown' }, type: systemObject, role: resourceRole, ...said };
  } else {
    yield { type: systemObject, role: securityResource, ...said };
  }
  const id = stringOf(record.requestId);
  if (id !== null) yield { what: { identifier: { value: id } }, type: request };
}

/** What has no element of its own: by our own names of the fields. */
function detailsOf(record: AuditRecord): Pick<FhirAuditEntity, 'detail'> {
  const { stream, index, hash } = record;
  const fields = {
    workspaceId: record.workspaceId,
    categories: record.categories,
    action: record.action,
    outcome: record.outcome,
    method: record.method,
    route: record.route,
    factor: record.factor,
    session: record.session,
    challengeId: record.challengeId,
    emergencyAccessId: record.emergencyAccessId,
    details: record.details,
    stream,
    index: String(index),
    hash: Buffer.from(hash).toString('hex'),
  };
  const detail = Object.entries(fields).flatMap(([type, value]) => {
    const valueString = stringOf(value);
    return valueString === null ? [] : [{ type, valueString }];
  });
  return { detail };
}

/** Why the patient's data was reached for, where it was an emergency: as it was opened with, or `ETREAT`. */
function purposeOf({ code, details, emergencyAccessId }: AuditRecord): FhirCoding | null {
  if (emergencyAccessId === null && !code.startsWith('EMERGENCY_ACCESS_')) return null;
  const parsed = parseDetails(details);
  const said = isObject(parsed) ? parsed.purposeOfUse : undefined;
  const purpose = typeof said === 'string' && Object.hasOwn(purposes, said) ? said : 'ETREAT';
  return { system: REASON, code: purpose, display: purposes[purpose] ?? purpose };
}

const concept = (coding: FhirCoding): CodeableConcept => ({ coding: [coding] });

const observerOf = (publicUrl: URL): Reference => ({
  identifier: { system: 'urn:ietf:rfc:3986', value: publicUrl.href },
  display: 'Countersign',
});

function nameOf(publicUrl: URL, what: 'user' | 'patient', id: string | null): Reference | null {
  const value = stringOf(id);
  const base = publicUrl.href.replace(/\/$/, '');
  return value === null ? null : { identifier: { system: `${base}/countersign/${what}-id`, value } };
}

/** A FHIR string is not empty, and has no white space but these (https://hl7.org/fhir/R4/datatypes.html#string). */
function stringOf(text: string | null): string | null {
  const plain = (text ?? '').replace(/[^\S \t\r\n]/gu, ' ');
  return plain.trim() === '' ? null : plain;
}
