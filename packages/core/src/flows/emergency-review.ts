import { CountersignError } from '../errors/countersign-error.ts';
import { emergencyStatus } from '../policy/emergency.ts';
import type { AuditRecord, EmergencyAccessQuery } from '../store/store.ts';
import type { Administration } from './administration.ts';
import type { EmergencyQueueQuery } from './emergency-access.ts';
import type { EmergencyGrant, PatientEmergencyRecord } from './emergency-grant.ts';
import type { EmergencyInvoker } from './emergency-invoker.ts';
import type { EmergencyRecords } from './emergency-records.ts';
import type { EmergencyReading } from './emergency-rows.ts';
import type { Services, SessionPrincipal } from './services.ts';

const DEFAULT_LIMIT = 50;
const GREATEST_LIMIT = 200;
const PAGE = 200;
const LEAST_NOTE = 10;
const LONGEST_NOTE = 2000;
const EVENTS = 1000;

/** What is looked for in the database, and what of that is meant: time alone ends an access, and writes that down a little later. */
const states = {
  'to-review': { query: { lacking: ['reviewed', 'declined'] }, statuses: ['ended'] },
  reviewed: { query: { having: ['reviewed'] }, statuses: ['ended'] },
  open: { query: { lacking: ['ended', 'declined'] }, statuses: ['open', 'waiting'] },
  all: { query: {}, statuses: ['open', 'waiting', 'ended', 'declined'] },
} as const;

/** What happens after an emergency access: somebody else looks at it. */
export class EmergencyReview {
  readonly #services: Services;
  readonly #administration: Administration;
  readonly #invoker: EmergencyInvoker;
  readonly #records: EmergencyRecords;

  constructor(
    services: Services,
    administration: Administration,
    invoker: EmergencyInvoker,
    records: EmergencyRecords,
  ) {
    this.#services = services;
    this.#administration = administration;
    this.#invoker = invoker;
    this.#records = records;
  }

  async queue(principal: SessionPrincipal, query: EmergencyQueueQuery): Promise<readonly EmergencyGrant[]> {
    await this.#invoker.present(principal);
    await this.#administration.assertAdministrator(principal);
    const { workspaceId } = principal;
    const limit = Math.max(1, Math.min(Math.trunc(query.limit ?? DEFAULT_LIMIT), GREATEST_LIMIT));
    const { query: criteria, statuses } = states[query.state];
    const now = this.#services.configuration.clock.now();
    const found: EmergencyReading[] = [];
    let { before } = query;
    while (found.length < limit) {
      const asked: EmergencyAccessQuery = { workspaceId, ...criteria, limit: PAGE, ...(before ? { before } : {}) };
      const page = await this.#services.store.emergencyAccess(asked);
      const { readings } = this.#records.readings(page);
      found.push(...readings.filter(({ life }) => statuses.some((status) => status === emergencyStatus(life, now))));
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) break;
      before = last.access;
    }
    return found.slice(0, limit).map((reading) => this.#records.grant(reading));
  }

  async review(
    principal: SessionPrincipal,
    id: string,
    { outcome, note }: { readonly outcome: 'signed-off' | 'escalated'; readonly note: string },
  ): Promise<EmergencyGrant> {
    const present = await this.#invoker.present(principal, { id });
    await this.#administration.assertAdministrator(principal);
    if (outcome !== 'signed-off' && outcome !== 'escalated')
      throw new CountersignError('input_invalid', { field: 'outcome' });
    const text = typeof note === 'string' ? note.trim() : '';
    if ([...text].length < LEAST_NOTE || text.length > LONGEST_NOTE)
      throw new CountersignError('input_invalid', {
        field: 'note',
        detail: `note: ${LEAST_NOTE} to ${LONGEST_NOTE} characters are needed.`,
      });
    const { access } = await this.#records.one(principal.workspaceId, id);
    if (access.userId === principal.userId)
      await this.#invoker.refuse(principal, present.session, 'emergency_own_review', access);
    return await this.#records.step(principal, present, id, { mayRead: true }, ({ life, review }, now) => {
      const status = emergencyStatus(life, now);
      if (status === 'open' || status === 'waiting') throw new CountersignError('emergency_still_open');
      if (status === 'declined') throw new CountersignError('emergency_ended');
      if (life.signedOffAt !== null || review?.outcome === outcome)
        throw new CountersignError('emergency_already_reviewed');
      const event = { code: 'EMERGENCY_ACCESS_REVIEWED', reason: text } as const;
      const kind = outcome === 'signed-off' ? 'reviewed' : 'escalated';
      return { kind, content: { note: text }, event, details: { outcome } };
    });
  }

  async accesses(principal: SessionPrincipal, id: string): Promise<readonly AuditRecord[]> {
    await this.#invoker.present(principal, { id });
    return await this.#events(await this.#records.read(principal, id));
  }

  async patientRecord(principal: SessionPrincipal, id: string): Promise<PatientEmergencyRecord> {
    await this.#invoker.present(principal, { id });
    await this.#administration.assertAdministrator(principal);
    const reading = await this.#records.one(principal.workspaceId, id);
    const { who, from, until, why, ...said } = facts(this.#records.grant(reading));
    const status = emergencyStatus(reading.life, this.#services.configuration.clock.now());
    if (reading.access.patientId === null || status === 'waiting' || status === 'declined')
      throw new CountersignError('not_found');
    const opened = (await this.#events(reading))
      .filter(({ code }) => code === 'ACCESS_ALLOWED')
      .map(({ at, action, categories, route }) => ({
        at: new Date(at),
        action,
        categories: categories === null || categories === '' ? [] : categories.split(','),
        route,
      }))
      .reverse();
    return { who, from, until, why, ...said, opened };
  }

  async #events({ access }: EmergencyReading): Promise<readonly AuditRecord[]> {
    const { id, workspaceId } = access;
    return await this.#services.store.auditEvents({ workspaceId, emergencyAccessId: id, limit: EVENTS });
  }
}

function facts({ userId, openedAt, endsAt, endedAt, reason, ...grant }: EmergencyGrant) {
  const { purposeOfUse, recipient, facility, nature } = grant;
  return {
    who: userId,
    from: openedAt,
    until: endedAt ?? endsAt,
    why: reason,
    purposeOfUse,
    recipient,
    facility,
    nature,
  };
}
