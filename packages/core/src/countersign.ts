import type { CheckpointSinkState } from './audit/checkpoint-sink.ts';
import { EventShipping } from './audit/event-shipping.ts';
import { AuditWriter } from './audit/writer.ts';
import { type Configuration, type CountersignOptions, resolveConfiguration } from './configuration/configuration.ts';
import { systemClock } from './configuration/sources.ts';
import { CountersignError } from './errors/countersign-error.ts';
import { StepUpRequiredError } from './errors/step-up-required-error.ts';
import type { AnswerInvitation, FactorAnswer } from './factors/factor.ts';
import { Administration } from './flows/administration.ts';
import {
  answerByToken,
  answerChallenge,
  answeringFactors,
  beginAnswer,
  type ChallengePassed,
  findChallenge,
} from './flows/answer-challenge.ts';
import { AuditSeals, SealingDuty } from './flows/audit-seals.ts';
import { Authorizer } from './flows/authorize.ts';
import { purposeOf } from './flows/ceremonies.ts';
import { type Authorization, type Demand, refusalCode } from './flows/demand.ts';
import { Duties, type Duty } from './flows/duties.ts';
import { EmergencyAccess } from './flows/emergency-access.ts';
import { EmergencyAway } from './flows/emergency-away.ts';
import { emergencyDuty } from './flows/emergency-duty.ts';
import { EmergencyInvoker } from './flows/emergency-invoker.ts';
import { EmergencyNotices } from './flows/emergency-notices.ts';
import { Enrolment } from './flows/enrolment.ts';
import { isUnreachable } from './flows/is-unreachable.ts';
import { LiveEmergencyAccess } from './flows/live-emergency-access.ts';
import { LiveWorkspaces } from './flows/live-workspaces.ts';
import { Notices } from './flows/notices.ts';
import {
  bindPrincipal,
  noRequest,
  type RequestContext,
  type Services,
  type SessionPrincipal,
} from './flows/services.ts';
import { Sessions } from './flows/sessions.ts';
import { type ItemLabels, type SiftedList, siftList } from './flows/sift-list.ts';
import { StandIn } from './flows/stand-in.ts';
import { type Operation, operationDigest } from './operation/operation-digest.ts';
import { type OperationSummary, operationSummary } from './operation/operation-summary.ts';
import type { Decision } from './policy/decide.ts';
import type { Principal } from './policy/principal.ts';
import { memorySessionState } from './session-state/memory-session-state.ts';
import type { OpenChallenge } from './session-state/open-challenge.ts';
import type { MaybePromise } from './session-state/session-state.ts';
import type { StreamHead } from './store/store.ts';

/** A question about one record, without HTTP: for resolvers, batch entries, queues and repositories. */
export interface CheckDemand {
  readonly workspaceId: string;
  readonly patientId: string;
  /** Category ids the record carries. */
  readonly categories: readonly string[];
  /** Default `view`. */
  readonly action?: string;
  /** Needed where the answer may be a one-shot proof. */
  readonly operation?: Operation;
  /** The operation is signed: exactly what the person approves by it. Needs `operation`; its digest covers this too. */
  readonly approval?: OperationSummary | null;
}

/** Everything a host and the adapters do with Countersign. Made by {@link createCountersign}; `close()` ends it. */
export interface Countersign {
  readonly configuration: Configuration;
  readonly enrolment: Enrolment;
  readonly administration: Administration;
  readonly sessions: Sessions;
  readonly emergency: EmergencyAccess;
  readonly audit: AuditWriter;
  /** Checkpoints of the audit log, and proofs from them. */
  readonly seals: AuditSeals;
  /** How far each checkpoint sink is, where this process leads. */
  readonly checkpointSinks: readonly CheckpointSinkState[];
  /** Binds a principal to its session, and to the request it came in: what `check` and the flows take. */
  principalOf(principal: Principal, binding?: string | null, request?: RequestContext): SessionPrincipal;
  /** Decides about a request, with all that follows: challenge, consumption, audit. */
  authorize(principal: SessionPrincipal | null, demand: Demand): MaybePromise<Authorization>;
  /**
   * The decision alone: consumes nothing and opens nothing. It writes one thing: what emergency access allows is on the audit log
   * before this resolves, as every access under it.
   */
  check(principal: SessionPrincipal, demand: CheckDemand): Promise<Decision>;
  /** Resolves where the principal may go on, consuming a one-shot proof; throws `StepUpRequiredError` otherwise. */
  enforce(principal: SessionPrincipal, demand: CheckDemand): Promise<void>;
  /** Splits a list into what the principal may see now and what is withheld until a step-up: lists must not show what a record's own page guards. */
  filter<Item>(
    principal: SessionPrincipal,
    items: readonly Item[],
    describe: (item: Item) => ItemLabels,
  ): Promise<SiftedList<Item>>;
  /** An open challenge of this session. Throws `challenge_unknown`. */
  challenge(principal: SessionPrincipal, id: string): Promise<OpenChallenge>;
  /** The principal's own factors that could answer a challenge, the preferred first; `withPassword` where it takes the password too. */
  answeringFactors(
    principal: SessionPrincipal,
    challenge: OpenChallenge,
  ): Promise<readonly { readonly factor: string; readonly withPassword: boolean }[]>;
  /**
   * Begins to answer a challenge with a factor that takes that: what a device (WebAuthn request options) or another site
   * (`redirectTo`, which comes back to `callbackUrl`) needs. Throws `challenge_unknown`, `factor_not_accepted`, `session_ended`.
   */
  beginAnswer(
    principal: SessionPrincipal,
    challengeId: string,
    factor: string,
    callbackUrl: URL,
  ): Promise<AnswerInvitation>;
  /**
   * The challenge that another site's answer (`{ callbackUrl }`) is for. Throws `challenge_unknown` where this session has begun
   * none, or was told before.
   */
  challengeBegun(principal: SessionPrincipal, factor: string, answer: FactorAnswer): Promise<string>;
  /**
   * Answers a challenge with a factor (`{ code }` for `totp`, `{ response }` for `passkey`). Resolves once the proof is given. Throws `challenge_unknown`,
   * `factor_not_accepted`, `code_malformed`, `code_incorrect`, `code_already_used`, `attempts_delayed`, `factor_locked`,
   * `factor_disabled`, `session_ended`.
   */
  answerChallenge(
    principal: SessionPrincipal,
    challengeId: string,
    factor: string,
    answer: FactorAnswer,
  ): Promise<ChallengePassed>;
  /** Answers a challenge by the token that a bearer caller sent anew (RFC 9470). False where it does not answer it. */
  answerByToken(principal: SessionPrincipal, challenge: OpenChallenge, token: string): Promise<boolean>;
  /** Writes what is queued and stops watching. The store stays the host's to close. */
  close(): Promise<void>;
}

/**
 * Starts Countersign: validates the options, checks the store's schema, opens an audit stream, begins to watch for changes.
 * Where emergency access has a spool, it starts without the database too, and becomes whole by itself. Throws `configuration_invalid`,
 * `store_not_migrated`, `clock_skewed`, `store_unavailable`, `spool_folder_in_use`, `spool_unavailable`, `key_unknown`.
 */
export async function createCountersign(options: CountersignOptions): Promise<Countersign> {
  const configuration = resolveConfiguration(options);
  const { store, clock, ids } = configuration;
  const { queueLimit, eventSinks } = configuration.audit;
  const shipping = new EventShipping(eventSinks, store);
  const audit = new AuditWriter({ store, clock, ids, queueLimit, listener: shipping });
  const state = configuration.sessionState ?? memorySessionState();
  const live = new LiveWorkspaces(configuration, store, audit);
  const notices = new Notices(configuration, audit);
  const emergencyLive = new LiveEmergencyAccess(configuration, store, audit);
  const emergencyNotices = new EmergencyNotices(configuration, store, audit, () => live.ids);
  const onDrained = ({ stream, index }: StreamHead) => shipping.drained(stream, index);
  const standIn = await StandIn.open({ configuration, audit, live, onDrained });
  shipping.start(audit);
  const services: Services = {
    ...{ configuration, store, state, audit, live, notices, emergencyNotices, standIn },
    emergency: emergencyLive,
  };
  const authorizer = new Authorizer(services);
  const seals = new AuditSeals(store.seals, configuration.checkpointKeys);
  const administration = new Administration(services, authorizer, seals);
  const sealing = new SealingDuty(configuration, store, audit);
  const emergencies = configuration.emergencyAccess === undefined ? [] : [emergencyDuty(services)];
  const assigned: readonly Duty[] = [sealing, ...emergencies];
  const duties = new Duties(store, assigned, () => {});
  const away =
    standIn === null
      ? null
      : new EmergencyAway(services, standIn, new EmergencyInvoker(services, authorizer), administration);
  /** Everything that takes the database. */
  const begin = async () => {
    await store.ready();
    await assertClock(configuration);
    await audit.append([appliedEvent(configuration)]);
    await standIn?.begin();
    await live.start(emergencyLive);
    await emergencyLive.start();
    await emergencyNotices.start();
    duties.start();
  };
  const beginAgain = async () => {
    // What stood in for the database may be older than it.
    live.forget();
    await live.close();
    await begin();
  };
  try {
    await begin().catch(async (error: unknown) => {
      if (standIn === null || !isUnreachable(error)) throw error;
      away?.restore(await standIn.beginAlone(beginAgain));
    });
    if (away !== null) standIn?.start(() => away.endDue());
  } catch (error) {
    await standIn?.close();
    await live.close();
    await audit.close();
    await shipping.close();
    throw error;
  }

  const demandOf = (demand: CheckDemand, purpose: 'enforce' | 'check'): Demand => {
    const { operation } = demand;
    const summary = demand.approval == null ? null : operationSummary(demand.approval);
    return {
      workspaceId: demand.workspaceId,
      action: demand.action ?? 'view',
      guarded: '*',
      subjects: [{ patientId: demand.patientId, carried: demand.categories }],
      summary,
      operation: operation === undefined ? undefined : () => operationDigest({ ...operation, summary }),
      purpose,
    };
  };

  return Object.freeze({
    configuration,
    enrolment: new Enrolment(services, authorizer),
    administration,
    sessions: new Sessions(services, authorizer, administration),
    emergency: new EmergencyAccess(services, authorizer, administration, away),
    audit,
    seals,
    get checkpointSinks() {
      return sealing.sinks;
    },
    principalOf: (principal: Principal, binding: string | null = null, request: RequestContext = noRequest) =>
      bindPrincipal(principal, binding, request),
    authorize: (principal: SessionPrincipal | null, demand: Demand) => authorizer.authorize(principal, demand),
    async check(principal: SessionPrincipal, demand: CheckDemand) {
      return (await authorizer.authorize(principal, demandOf(demand, 'check'))).decision;
    },
    async enforce(principal: SessionPrincipal, demand: CheckDemand) {
      const { decision, challenge } = await authorizer.authorize(principal, demandOf(demand, 'enforce'));
      if (decision.outcome !== 'allow') throw new StepUpRequiredError(refusalCode(decision), decision, challenge);
    },
    filter: <Item>(principal: SessionPrincipal, items: readonly Item[], describe: (item: Item) => ItemLabels) =>
      siftList(services, authorizer, principal, items, describe),
    challenge: (principal: SessionPrincipal, id: string) => findChallenge(services, principal, id),
    answeringFactors: (principal: SessionPrincipal, challenge: OpenChallenge) =>
      answeringFactors(services, principal, challenge),
    beginAnswer: (principal: SessionPrincipal, id: string, factor: string, callbackUrl: URL) =>
      beginAnswer(services, authorizer, principal, id, factor, callbackUrl),
    async challengeBegun(principal: SessionPrincipal, factorId: string, answer: FactorAnswer) {
      const factor = configuration.factors.find((candidate) => candidate.id === factorId);
      const id = factor === undefined ? null : await purposeOf(services, principal, factor, answer);
      if (id === null) throw new CountersignError('challenge_unknown');
      return id;
    },
    answerChallenge: (principal: SessionPrincipal, id: string, factor: string, answer: FactorAnswer) =>
      answerChallenge(services, authorizer, principal, id, factor, answer),
    answerByToken: (principal: SessionPrincipal, challenge: OpenChallenge, token: string) =>
      answerByToken(services, authorizer, principal, challenge, token),
    async close() {
      await duties.close();
      await standIn?.close();
      await sealing.close();
      await live.close();
      await notices.close();
      await emergencyNotices.close();
      await audit.close();
      await shipping.close();
      await state.close();
    },
  });
}

/** Seconds by which our clock and the database's may differ at the start: a TOTP code lives for 30. */
const CLOCK_TOLERANCE_SECONDS = 30;

/** Only for the machine's own clock: one that was injected is the host's business. */
async function assertClock({ clock, store }: Configuration): Promise<void> {
  if (clock.now !== systemClock.now) return;
  const seconds = Math.round(Math.abs((await store.now()) - clock.now()) / 1000);
  if (seconds <= CLOCK_TOLERANCE_SECONDS) return;
  throw new CountersignError('clock_skewed', {
    detail: `The clock of this machine and the database's differ by ${seconds} seconds.`,
    cure: 'Synchronise both by NTP: right codes would be refused, and the audit log would tell wrong times.',
  });
}

/** Which accesses are audited how is itself on the log. */
function appliedEvent(configuration: Configuration) {
  const categories = [...configuration.categories.values()].map(
    ({ id, accessAudit, strength, graceSeconds, scope }) => ({
      id,
      accessAudit,
      strength,
      scope,
      graceSeconds: graceSeconds ?? null,
    }),
  );
  return {
    code: 'CONFIGURATION_APPLIED',
    outcome: 'success',
    workspaceId: null,
    userId: null,
    details: JSON.stringify({ categories, reauthenticateActions: [...configuration.reauthentication.keys()] }),
  } as const;
}
