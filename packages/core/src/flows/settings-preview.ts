import type { AuditRecord } from '../audit/event.ts';
import type { Configuration } from '../configuration/configuration.ts';
import type { EffectiveSettings } from '../policy/settings.ts';
import {
  type LoggedAccess,
  type LoggedPeople,
  type ReplayedAccess,
  replayAccesses,
} from '../policy/settings-replay.ts';
import { type Strength, satisfiesStrength, strongest } from '../policy/strength.ts';
import type { Services } from './services.ts';

/** So often with the settings in force, and with those that are previewed. */
export interface BeforeAndAfter {
  readonly before: number;
  readonly after: number;
}

/**
 * What a log cannot tell, and the preview therefore leaves out.
 *
 * - `unmarked-categories`: accesses to records of categories that were not marked sensitive were not logged.
 * - `unlogged-accesses`: nor were accesses to categories whose `accessAudit` is `none`.
 * - `roles`: exemptions by role count only for people who were seen to be exempt by that role.
 * - `treatment`: exemptions by treatment relationship count only where one was seen.
 * - `session-limits`: when people signed in is not known, so limits of sessions are left out.
 * - `enrolment`: nor is who had no factor, other than those who were refused for it.
 */
export type PreviewUnknown =
  | 'unmarked-categories'
  | 'unlogged-accesses'
  | 'roles'
  | 'treatment'
  | 'session-limits'
  | 'enrolment';

/** Who would have been asked, had these settings been in force. */
export interface SettingsPreview {
  readonly from: Date;
  readonly until: Date;
  /** True where there were more events than are looked at: the period begins later, at `from`. */
  readonly cut: boolean;
  /** Accesses looked at. */
  readonly accesses: number;
  readonly asked: BeforeAndAfter;
  /** Asked, and without a factor to answer with. */
  readonly refused: BeforeAndAfter;
  /** By person, those with the greatest difference first; at most 100. */
  readonly users: readonly (BeforeAndAfter & { readonly userId: string })[];
  /** By category; `categoryId` null: asked by the action alone. An access of two categories counts for both. */
  readonly categories: readonly (BeforeAndAfter & { readonly categoryId: string | null })[];
  /** People for whom something changes. */
  readonly people: number;
  /** Of those who would be asked: people never seen with a factor as strong as would be asked. */
  readonly withoutStrongFactor: number;
  readonly unknown: readonly PreviewUnknown[];
}

const DAYS = 7;
const DAY = 86_400_000;
/** Events that a preview looks at, the newest ones. */
const MOST_EVENTS = 50_000;
const PAGE = 1000;
const USERS = 100;
const CODES = ['ACCESS_ALLOWED', 'MFA_REQUIRED', 'MFA_SUCCESS', 'EXEMPTION_APPLIED', 'ACCESS_DENIED'];

/** Replays the last seven days of a workspace's log under the settings in force and under others. Reads bounded pages. */
export async function previewPeriod(
  { configuration, store }: Services,
  workspaceId: string,
  current: EffectiveSettings,
  proposed: EffectiveSettings,
  most = MOST_EVENTS,
): Promise<SettingsPreview> {
  const until = configuration.clock.now();
  const from = until - DAYS * DAY;
  const events: AuditRecord[] = [];
  let before: { readonly at: number; readonly id: string } | undefined;
  let cut = false;
  while (true) {
    const limit = Math.min(PAGE, most - events.length);
    const query = {
      workspaceId,
      codes: CODES,
      from,
      until: until + 1,
      limit,
      ...(before === undefined ? {} : { before }),
    };
    const page = await store.auditEvents(query);
    events.push(...page);
    before = page.at(-1);
    if (page.length < limit || before === undefined) break;
    if (events.length < most) continue;
    cut = (await store.auditEvents({ ...query, limit: 1, before })).length > 0;
    break;
  }
  events.reverse();
  const began = cut ? (events[0]?.at ?? from) : from;
  return previewOf(configuration, events, current, proposed, { from: began, until, cut });
}

/** The same of events at hand, oldest first. Pure. */
export function previewOf(
  configuration: Pick<
    Configuration,
    'categories' | 'factors' | 'checkPassword' | 'challengeSeconds' | 'oneShotSeconds'
  >,
  events: readonly AuditRecord[],
  current: EffectiveSettings,
  proposed: EffectiveSettings,
  period: { readonly from: number; readonly until: number; readonly cut: boolean },
): SettingsPreview {
  const accesses = accessesIn(events, configuration.challengeSeconds + configuration.oneShotSeconds);
  const people = peopleIn(events);
  const before = replayAccesses(accesses, people, current);
  const after = replayAccesses(accesses, people, proposed);
  const users = tallied(before, after, ({ access }) => [access.actorId ?? access.userId]).map(([userId, counts]) => ({
    userId: userId ?? '',
    ...counts,
  }));
  const changed = users.filter((user) => user.before !== user.after);
  const apart = (user: BeforeAndAfter) => Math.abs(user.after - user.before);
  const categories = tallied(before, after, ({ categoryIds }) => (categoryIds.length === 0 ? [null] : categoryIds));
  return {
    from: new Date(period.from),
    until: new Date(period.until),
    cut: period.cut,
    accesses: accesses.length,
    asked: countsOf(before, after, 'asked'),
    refused: countsOf(before, after, 'refused'),
    users: users.sort((one, other) => apart(other) - apart(one) || other.after - one.after).slice(0, USERS),
    categories: categories.map(([categoryId, counts]) => ({ categoryId, ...counts })),
    people: changed.length,
    withoutStrongFactor: withoutStrongFactor(configuration, events, after),
    unknown: unknownOf(configuration, current, proposed),
  };
}

/** Refusals that were for want of a factor. Others (another workspace, an ended session) no setting would have changed. */
const UNANSWERABLE: ReadonlySet<string | null> = new Set(['must-enrol', 'no-suitable-factor', 'factor-disabled']);
/** Milliseconds between events of one request, at most. */
const ONE_REQUEST = 1000;

/**
 * Each access once: events of one request together, and a refusal and the access that follows its answer as one, within the time
 * that an answer and a one-shot proof have.
 */
function accessesIn(events: readonly AuditRecord[], attemptSeconds: number): LoggedAccess[] {
  const found: (Omit<LoggedAccess, 'subjects'> & { subjects: LoggedAccess['subjects'][number][] })[] = [];
  const challenges = new Map<string, (typeof found)[number]>();
  const requests = new Map<string, { access: (typeof found)[number]; at: number }>();
  /** Asked, and not yet seen to go on, by what was asked for. */
  const waiting = new Map<string, number>();
  for (const event of events) {
    const { code, userId, session, patientId, action, at, challengeId } = event;
    if (code === 'MFA_SUCCESS' || userId === null || action === null) continue;
    // Changes of factors and settings ask whatever the settings say.
    if (patientId === null || session === null) continue;
    if (code === 'ACCESS_DENIED' && !UNANSWERABLE.has(event.reason)) continue;
    const categoryIds = event.categories === null ? [] : event.categories.split(',');
    const subject = { patientId, categoryIds };
    const wanted = JSON.stringify([session, userId, event.actorId, patientId, action, event.categories]);
    if (code === 'MFA_REQUIRED') {
      // Requests refused side by side share a challenge.
      const asked = challengeId === null ? undefined : challenges.get(challengeId);
      const repeated = asked?.subjects.some((had) => had.patientId === patientId) === true;
      if (!repeated && asked !== undefined) asked.subjects.push(subject);
      if (!repeated) waiting.set(wanted, at);
      if (asked !== undefined) continue;
    } else {
      const askedAt = waiting.get(wanted);
      waiting.delete(wanted);
      if (askedAt !== undefined && at - askedAt <= attemptSeconds * 1000) continue;
    }
    const request = JSON.stringify([session, userId, code, event.requestId, action, event.route, challengeId]);
    const same = event.requestId === null ? undefined : requests.get(request);
    if (same !== undefined && at - same.at <= ONE_REQUEST) {
      same.access.subjects.push(subject);
      continue;
    }
    const unanswerable = code === 'ACCESS_DENIED';
    const { id, actorId } = event;
    const access = { id, at, userId, actorId, session, action, subjects: [subject], unanswerable };
    found.push(access);
    requests.set(request, { access, at });
    if (challengeId !== null) challenges.set(challengeId, access);
  }
  return found;
}

/** What exemptions that were applied tell about those who had them. */
function peopleIn(events: readonly AuditRecord[]): LoggedPeople {
  const roles = new Map<string, Set<string>>();
  const treating = new Map<string, Set<string>>();
  const add = (to: Map<string, Set<string>>, userId: string, value: string) =>
    to.set(userId, (to.get(userId) ?? new Set()).add(value));
  for (const { code, userId, patientId, reason } of events) {
    if (code !== 'EXEMPTION_APPLIED' || userId === null) continue;
    const role = /^role: (.+)$/s.exec(reason ?? '')?.[1];
    if (role !== undefined) add(roles, userId, role);
    else if (patientId !== null && reason?.startsWith('treatment-relationship:') === true)
      add(treating, userId, patientId);
  }
  return { roles, treating };
}

const countsOf = (
  before: readonly ReplayedAccess[],
  after: readonly ReplayedAccess[],
  result: ReplayedAccess['result'],
): BeforeAndAfter => ({
  before: before.filter((one) => one.result === result).length,
  after: after.filter((one) => one.result === result).length,
});

function tallied<Key extends string | null>(
  before: readonly ReplayedAccess[],
  after: readonly ReplayedAccess[],
  keysOf: (replayed: ReplayedAccess) => readonly Key[],
): [Key, BeforeAndAfter][] {
  const counts = new Map<Key, { before: number; after: number }>();
  for (const [when, replayed] of [['before', before] as const, ['after', after] as const]) {
    for (const one of replayed) {
      if (one.result === 'allowed') continue;
      for (const key of keysOf(one)) {
        const count = counts.get(key) ?? { before: 0, after: 0 };
        count[when] += 1;
        counts.set(key, count);
      }
    }
  }
  return [...counts];
}

function withoutStrongFactor(
  { factors, checkPassword }: Pick<Configuration, 'factors' | 'checkPassword'>,
  events: readonly AuditRecord[],
  after: readonly ReplayedAccess[],
): number {
  const strengths = new Map<string, Strength>(
    factors.map(({ id, strength, combinesWithPassword }) => [
      id,
      checkPassword !== undefined && combinesWithPassword === true ? strongest(strength, 'multi-factor') : strength,
    ]),
  );
  const seen = new Map<string, Strength>();
  for (const { code, userId, actorId, factor } of events) {
    const person = actorId ?? userId;
    if (code !== 'MFA_SUCCESS' || person === null || factor === null) continue;
    seen.set(person, strongest(seen.get(person) ?? 'any', strengths.get(factor) ?? 'any'));
  }
  const lacking = after
    .filter(({ result }) => result !== 'allowed')
    .map(({ access, strength }) => ({ person: access.actorId ?? access.userId, strength }))
    .filter(({ person, strength }) => !satisfiesStrength(seen.get(person) ?? 'any', strength));
  return new Set(lacking.map(({ person }) => person)).size;
}

function unknownOf(
  { categories }: Pick<Configuration, 'categories'>,
  current: EffectiveSettings,
  proposed: EffectiveSettings,
): PreviewUnknown[] {
  const has = (kind: string) => proposed.exemptions.some((rule) => rule.kind === kind);
  const marked = (id: string) => current.enabled && current.categories.has(id);
  const limited = proposed.roleLimits.size > 0 || proposed.limits.absoluteSeconds !== undefined;
  const found: [PreviewUnknown, boolean][] = [
    ['unmarked-categories', [...proposed.categories.keys()].some((id) => !marked(id))],
    ['unlogged-accesses', [...proposed.categories.keys()].some((id) => categories.get(id)?.accessAudit === 'none')],
    ['roles', has('role')],
    ['treatment', has('treatment-relationship')],
    ['session-limits', limited],
    ['enrolment', proposed.enrolment.until === 'refuse'],
  ];
  return found.filter(([, applies]) => applies).map(([kind]) => kind);
}
