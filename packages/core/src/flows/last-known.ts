import type { Configuration } from '../configuration/configuration.ts';
import { isPresentPerson } from '../policy/emergency.ts';
import type { Principal } from '../policy/principal.ts';
import type { SessionKey, SessionReading } from '../session-state/session-state.ts';
import type { SettingsRow } from '../store/store.ts';
import { isEligible } from './live-emergency-access.ts';
import type { LiveWorkspaces } from './live-workspaces.ts';
import type { SessionPrincipal } from './services.ts';

/** A session as the database last knew it. */
interface KnownSession extends SessionKey, Omit<SessionReading, 'proofs'> {
  /** When that was; milliseconds. */
  readonly knownAt: number;
}

/** How long it may be relied on; milliseconds. */
const DAY = 86_400_000;
/** Sessions and people that are remembered, each. The longest known makes room. */
const MOST = 10_000;

const nameOf = (...parts: readonly string[]): string => JSON.stringify(parts);

/**
 * What this node knew when the database was last reached, for emergency access while it is away: sessions, who was eligible, and
 * settings. Older than 24 hours it is unknown, and so is whatever is known to have changed since.
 */
export class LastKnown {
  readonly #configuration: Configuration;
  readonly #live: LiveWorkspaces;
  #sessions = new Map<string, KnownSession>();
  /** When somebody was last found eligible, by workspace and user. */
  #eligible = new Map<string, number>();
  #changed = false;

  constructor(configuration: Configuration, live: LiveWorkspaces) {
    this.#configuration = configuration;
    this.#live = live;
  }

  /** A session's standing was read from the database. */
  saw(principal: SessionPrincipal, reading: Omit<SessionReading, 'proofs'>): void {
    const { number, signedInAt, epochs, endedAt, hasFactor, lastActivityAt } = reading;
    const { keyHash, workspaceId, userId } = principal.key;
    const key = { keyHash, workspaceId, userId };
    const said = { number, signedInAt, epochs, endedAt, hasFactor, lastActivityAt };
    put(this.#sessions, nameOf(workspaceId, userId, keyHash), { ...key, ...said, knownAt: this.#now() });
    this.#changed = true;
    if (!isPresentPerson(principal)) return;
    // Asked now, since later the host's own records may be away too.
    void isEligible(this.#configuration, principal, { purpose: 'clinical', patientId: null }).then((eligible) => {
      if (eligible) this.foundEligible(principal);
    });
  }

  /** A session was ended here. That is never forgotten again, whether or not the database could be told. */
  ended({ workspaceId, userId, keyHash }: SessionKey, endedAt: number): void {
    const name = nameOf(workspaceId, userId, keyHash);
    const known = this.#sessions.get(name);
    if (known === undefined) return;
    this.#sessions.set(name, { ...known, endedAt });
    this.#changed = true;
  }

  foundEligible({ workspaceId, userId }: Principal): void {
    put(this.#eligible, nameOf(workspaceId, userId), this.#now());
    this.#changed = true;
  }

  /** Null where the session was not seen within a day, or where anything was revoked since that may have ended it. */
  standing(principal: SessionPrincipal): SessionReading | null {
    const { workspaceId, userId, keyHash } = principal.key;
    const known = this.#sessions.get(nameOf(workspaceId, userId, keyHash));
    const signedInAt = principal.signedInAt.getTime();
    if (known === undefined || known.signedInAt !== signedInAt || !this.#isRecent(known.knownAt)) return null;
    if (!this.#live.isCurrent(workspaceId, userId, known.epochs)) return null;
    const { number, epochs, endedAt, hasFactor, lastActivityAt } = known;
    const ended = this.#live.hasSignInEnded(workspaceId, userId, signedInAt) ? signedInAt : null;
    return { number, signedInAt, epochs, endedAt: endedAt ?? ended, hasFactor, lastActivityAt, proofs: [] };
  }

  /** Whether this person was found eligible within a day. */
  wasEligible({ workspaceId, userId }: Principal): boolean {
    const at = this.#eligible.get(nameOf(workspaceId, userId));
    return at !== undefined && this.#isRecent(at);
  }

  /** Whether something was learnt since the last `toText`. */
  get hasChanged(): boolean {
    return this.#changed;
  }

  toText(): string {
    this.#changed = false;
    return JSON.stringify({
      sessions: [...this.#sessions],
      eligible: [...this.#eligible],
      settings: this.#live.rows(),
      at: this.#now(),
    });
  }

  /** Takes over what an earlier process knew. `alone`: the database cannot be asked, and this is all there is. */
  restore(text: string, alone: boolean): void {
    // Sealed by us, under a key that nobody else has: of the shape it was written in.
    const known = JSON.parse(text) as {
      readonly sessions: readonly (readonly [string, KnownSession])[];
      readonly eligible: readonly (readonly [string, number])[];
      readonly settings: readonly (readonly [string, SettingsRow | null])[];
      readonly at: number;
    };
    this.#sessions = new Map(known.sessions);
    this.#eligible = new Map(known.eligible);
    if (!alone) return;
    for (const { workspaceId, userId, epochs } of this.#sessions.values())
      this.#live.learn(workspaceId, userId, epochs);
    if (this.#isRecent(known.at)) for (const [workspaceId, row] of known.settings) this.#live.restore(workspaceId, row);
  }

  /** Written so that an instant that cannot be read, or lies ahead, is unknown. */
  #isRecent(at: number): boolean {
    const age = this.#now() - at;
    return age >= 0 && age < DAY;
  }

  #now(): number {
    return this.#configuration.clock.now();
  }
}

function put<V>(map: Map<string, V>, name: string, value: V): void {
  map.delete(name);
  map.set(name, value);
  if (map.size <= MOST) return;
  for (const first of map.keys()) {
    map.delete(first);
    return;
  }
}
