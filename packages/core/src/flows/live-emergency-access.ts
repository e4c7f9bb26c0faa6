import type { AuditWriter } from '../audit/writer.ts';
import type { Configuration } from '../configuration/configuration.ts';
import type { OpenEmergencyAccess } from '../policy/decide.ts';
import { type EmergencyPurpose, emergencyPeriod, isPresentPerson } from '../policy/emergency.ts';
import type { Principal } from '../policy/principal.ts';
import type { EffectiveSettings, EmergencyPolicy } from '../policy/settings.ts';
import type { Epochs, Store, StoredEmergencyAccess } from '../store/store.ts';
import { type EmergencyReading, readEmergency } from './emergency-rows.ts';
import { isUnreachable } from './is-unreachable.ts';
import type { StandIn } from './stand-in.ts';

/** One that is open, or waits for a second person. */
interface Held {
  readonly reading: EmergencyReading;
  /** By the clock that never goes back: when its window's length has passed on the database's clock. */
  readonly deadline: number;
  /** Seen to be over: a clock that is set back opens nothing. */
  over: boolean;
  /** The revocations under which whoever opened it was last found eligible; null: at its opening, whichever they were. */
  asked: Epochs | null;
}

const PAGE = 1000;
/** Ids remembered with what is known of them. */
const KNOWN = 10_000;

/**
 * The emergency accesses that are open anywhere, in memory: read at the start and kept current by the store's watch. Whoever has
 * none pays a look into a map; whoever has one is locked out at its end by this node alone.
 *
 * It ends by whichever comes first: this node's clock at the end that is written in the row, or, where that clock is behind or was
 * set back, its window's length since it was written, by the database's clock.
 */
export class LiveEmergencyAccess {
  readonly #configuration: Configuration;
  readonly #store: Store;
  readonly #audit: AuditWriter;
  readonly #held = new Map<string, Held>();
  /** Ids by workspace, then user. */
  readonly #people = new Map<string, Map<string, Set<string>>>();
  /** How many steps of each were read. */
  readonly #known = new Map<string, number>();
  /** Changed by another process and not read yet: with how many steps. */
  readonly #stale = new Map<string, number>();
  readonly #told = new Set<string>();
  #reading: Promise<void> | null = null;

  constructor(configuration: Configuration, store: Store, audit: AuditWriter) {
    this.#configuration = configuration;
    this.#store = store;
    this.#audit = audit;
  }

  /** Reads what has no end yet, of every workspace. */
  async start(): Promise<void> {
    if (this.#configuration.emergencyAccess === undefined) return;
    let before: { readonly openedAt: number; readonly id: string } | undefined;
    while (true) {
      const query = { lacking: ['ended', 'declined'], limit: PAGE, ...(before === undefined ? {} : { before }) };
      const asked = this.#configuration.clock.elapsed();
      const page = await this.#store.emergencyAccess(query);
      for (const stored of page) this.learn(stored, asked);
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return;
      before = last.access;
    }
  }

  /** Something happened to one, in another process. Until it was read it opens nothing. */
  changed(id: string, steps: number): void {
    if (this.#configuration.emergencyAccess === undefined || (this.#known.get(id) ?? -1) >= steps) return;
    this.#stale.set(id, steps);
    this.readStale();
  }

  /** Reads what changed. Called again by the watch, where it failed. */
  readStale(): void {
    if (this.#stale.size === 0) return;
    this.#reading ??= this.#readStale()
      .catch(() => {
        // Still stale: it opens nothing, and is read when the database answers the watch again.
      })
      .finally(() => {
        this.#reading = null;
      });
  }

  async #readStale(): Promise<void> {
    while (this.#stale.size > 0) {
      const ids = [...this.#stale.keys()].slice(0, PAGE);
      await this.#read(ids);
      for (const id of ids) this.#stale.delete(id);
    }
  }

  async #read(ids: readonly string[]): Promise<void> {
    const asked = this.#configuration.clock.elapsed();
    const found = await this.#store.emergencyAccess({ ids, limit: PAGE });
    for (const id of ids) if (!found.some(({ access }) => access.id === id)) this.#drop(id);
    for (const stored of found) this.learn(stored, asked);
  }

  /** Takes over what was read or written. `asked`: `clock.elapsed()` from before that. */
  learn(stored: StoredEmergencyAccess, asked: number): void {
    const { id } = stored.access;
    const known = this.#known.get(id) ?? -1;
    if (known > stored.steps.length) return;
    this.#known.delete(id);
    this.#known.set(id, stored.steps.length);
    // Told of our own write before it was taken over here: nothing is newer.
    if ((this.#stale.get(id) ?? Number.POSITIVE_INFINITY) <= stored.steps.length) this.#stale.delete(id);
    if (this.#known.size > KNOWN) dropFirst(this.#known);
    const earlier = this.#held.get(id);
    this.#drop(id);
    const reading = readEmergency(this.#configuration.keyring, stored);
    if (reading === 'altered') {
      this.tellAltered(stored);
      return;
    }
    const { life } = reading;
    if (life.endedAt !== null || life.declinedAt !== null) return;
    const { openedAt, endsAt } = emergencyPeriod(life);
    const deadline = asked + (endsAt - openedAt) - reading.age;
    const same = earlier !== undefined && emergencyPeriod(earlier.reading.life).endsAt === endsAt;
    this.#held.set(id, {
      reading,
      // Written so that an unreadable instant (NaN) is over.
      deadline: same ? Math.min(deadline, earlier.deadline) : deadline,
      over: same && earlier.over,
      asked: earlier?.asked ?? null,
    });
    const { workspaceId, userId } = reading.access;
    const people = this.#people.get(workspaceId) ?? new Map<string, Set<string>>();
    this.#people.set(workspaceId, people.set(userId, (people.get(userId) ?? new Set()).add(id)));
  }

  /** What is open for this principal now: clinical for this patient, or administrative (null). */
  openFor(
    principal: Principal,
    patientId: string | null,
    settings: EffectiveSettings,
    now: number,
  ): OpenEmergencyAccess | null {
    if (this.#held.size === 0) return null;
    return this.open(principal, settings, now).find((access) => access.patientId === patientId) ?? null;
  }

  /** Everything that is open for this principal now. */
  open(principal: Principal, settings: EffectiveSettings, now: number): readonly OpenEmergencyAccess[] {
    const ids = this.#people.get(principal.workspaceId)?.get(principal.userId);
    const rules = settings.emergencyAccess;
    if (ids === undefined || !rules.enabled || !isPresentPerson(principal)) return [];
    if (!isAllowedRole(principal, rules) || !this.#hasRole(principal)) return [];
    const open: OpenEmergencyAccess[] = [];
    for (const id of ids) {
      const held = this.#held.get(id);
      if (held === undefined || this.#stale.has(id) || this.#isOver(held, now)) continue;
      const { access, life } = held.reading;
      if (life.waits && life.approved === null) continue;
      const { endsAt } = emergencyPeriod(life);
      open.push({ id, purpose: access.purpose, patientId: access.patientId, endsAt });
    }
    return open;
  }

  /** Whether nothing has to be asked before it counts: the database confirms what we hold, and nothing was revoked since. */
  isCertain({ id }: OpenEmergencyAccess, epochs: Epochs, confirmed: boolean): boolean {
    const asked = this.#held.get(id)?.asked ?? null;
    if (!confirmed || asked === null) return false;
    return this.#configuration.emergencyAccess?.eligible === undefined || same(asked, epochs);
  }

  /** Asks: the database, where it has not confirmed for a while, and the host, where a role may have changed. */
  async confirm(
    open: OpenEmergencyAccess,
    principal: Principal,
    epochs: Epochs,
    confirmed: boolean,
    standIn: StandIn | null,
  ): Promise<boolean> {
    const { id, purpose, patientId } = open;
    try {
      if (!confirmed && standIn?.isAway !== true) await this.#read([id]);
    } catch (error) {
      if (standIn === null || !isUnreachable(error)) return false;
      standIn.lost();
    }
    const held = this.#held.get(id);
    if (held === undefined || this.#stale.has(id)) return false;
    // What the database last said goes on, on this node: by what was known, and asked again once it is back.
    if (standIn?.isAway === true)
      return purpose === 'clinical' && (await standIn.isEligible(principal, { purpose, patientId }));
    if (held.asked === null || !same(held.asked, epochs)) {
      if (!(await isEligible(this.#configuration, principal, { purpose, patientId }))) return false;
      held.asked = epochs;
    }
    standIn?.known.foundEligible(principal);
    return true;
  }

  /** One that is open or waits, as far as this node knows. */
  held(id: string): EmergencyReading | undefined {
    return this.#held.get(id)?.reading;
  }

  /** Those of one person. */
  heldBy(workspaceId: string, userId: string): readonly EmergencyReading[] {
    const ids = [...(this.#people.get(workspaceId)?.get(userId) ?? [])];
    return ids.map((id) => this.held(id)).filter((reading) => reading !== undefined);
  }

  /** Those whose time is over and that nobody has written down as ended. */
  due(now: number): readonly EmergencyReading[] {
    return [...this.#held.values()].filter((held) => this.#isOver(held, now)).map(({ reading }) => reading);
  }

  #isOver(held: Held, now: number): boolean {
    const { endsAt } = emergencyPeriod(held.reading.life);
    held.over ||= !(now < endsAt) || !(this.#configuration.clock.elapsed() < held.deadline);
    return held.over;
  }

  /** Where roles alone say who may, one that was taken away ends it at the next request. */
  #hasRole(principal: Principal): boolean {
    const { roles, eligible } = this.#configuration.emergencyAccess ?? {};
    return eligible !== undefined || roles?.some((role) => principal.roles.includes(role)) === true;
  }

  #drop(id: string): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    this.#held.delete(id);
    const { workspaceId, userId } = held.reading.access;
    const people = this.#people.get(workspaceId);
    const ids = people?.get(userId);
    ids?.delete(id);
    if (ids?.size === 0) people?.delete(userId);
    if (people?.size === 0) this.#people.delete(workspaceId);
  }

  /** Tells the log of one that is not as we wrote it; once for each of its states. */
  tellAltered({ access, steps }: StoredEmergencyAccess): void {
    const { id, workspaceId } = access;
    const state = `${id} ${steps.length} ${access.mac}`;
    if (this.#told.has(state)) return;
    this.#told.add(state);
    if (this.#told.size > KNOWN) dropFirst(this.#told);
    const event = { code: 'EMERGENCY_ACCESS_REFUSED', outcome: 'failure', workspaceId, userId: null } as const;
    this.#audit.appendBehind({ ...event, emergencyAccessId: id, reason: 'altered' })?.catch(() => {});
  }
}

function dropFirst(entries: Map<string, unknown> | Set<string>): void {
  for (const key of entries.keys()) {
    entries.delete(key);
    return;
  }
}

const same = (one: Epochs, other: Epochs): boolean => one.user === other.user && one.workspace === other.workspace;

/** Whether a workspace lets this principal's role use emergency access. */
export const isAllowedRole = (principal: Principal, { roles }: EmergencyPolicy): boolean =>
  roles === null || principal.roles.some((role) => roles.has(role));

/** Whether code says this person may: by role, or by the host's word. A host that fails, or says anything but true, says no. */
export async function isEligible(
  { emergencyAccess }: Configuration,
  principal: Principal,
  about: { readonly purpose: EmergencyPurpose; readonly patientId: string | null },
): Promise<boolean> {
  if (emergencyAccess?.roles?.some((role) => principal.roles.includes(role)) === true) return true;
  try {
    return (await emergencyAccess?.eligible?.(principal, about)) === true;
  } catch {
    return false;
  }
}
