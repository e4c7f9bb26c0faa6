import { z } from 'zod';
import { CheckpointKeys } from '../audit/checkpoint-keys.ts';
import type { CheckpointSink } from '../audit/checkpoint-sink.ts';
import type { EventSink } from '../audit/event-sink.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { Factor } from '../factors/factor.ts';
import { Keyring, type KeyringOptions } from '../keys/keyring.ts';
import type { ContactSource, MailSender, SmsSender } from '../notices/notice.ts';
import { type EmergencyPurpose, emergencyPurposesOfUse } from '../policy/emergency.ts';
import type { ServiceRule } from '../policy/exemption.ts';
import type { Principal } from '../policy/principal.ts';
import type { ReauthenticationRule } from '../policy/settings.ts';
import { type Strength, satisfiesStrength, strengths, strongest } from '../policy/strength.ts';
import type { SessionStateStore } from '../session-state/session-state.ts';
import type { Store } from '../store/store.ts';
import { type Clock, type IdSource, type RandomSource, systemClock, systemRandom, timeOrderedIds } from './sources.ts';

const DAY = 86_400;

const seconds = (least: number, most: number) =>
  z
    .int(`a whole number of seconds from ${least} to ${most} is needed`)
    .min(least, `at least ${least} seconds are needed`)
    .max(most, `at most ${most} seconds are allowed`);
const text = (what: string) =>
  z
    .string(`${what} is needed, as text`)
    .trim()
    .min(1, `${what} must not be empty`)
    .max(200, `${what} must have at most 200 characters`);
const object = <T>(methods: readonly string[], what: string) =>
  z.custom<T>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      methods.every((name) => typeof Reflect.get(value, name) === 'function'),
    what,
  );

const strength = z.enum(strengths, 'any, multi-factor or phishing-resistant is needed');
const callable = <T>(what: string) => z.custom<T>((value) => typeof value === 'function', what);

const categorySchema = z.strictObject({
  id: z
    .string('a category id is text, also where it is a number in your database')
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/, 'up to 64 letters, digits, or . _ : - are needed'),
  name: text('a name'),
  /** Codings that mean this category: system and code together, since bare codes collide. */
  codings: z.array(z.strictObject({ system: text('a coding system'), code: text('a code') })).default([]),
  /** Least strength of a factor. Default `any`. */
  strength: strength.default('any'),
  /** Longest grace period, in seconds, whatever a workspace chooses. 0: every operation asks. */
  graceSeconds: seconds(0, DAY).optional(),
  scope: z.enum(['patient', 'category'], 'patient or category is needed').default('patient'),
  /** The actions that ask for it. Default: every one. */
  actions: z.array(text('an action')).min(1, 'at least one action is needed').optional(),
  /** Whether a workspace that has saved no settings counts it as sensitive. Default true. */
  sensitive: z.boolean('true or false is needed').default(true),
  /** Default `batched`. */
  accessAudit: z.enum(['batched', 'awaited', 'none'], 'batched, awaited or none is needed').default('batched'),
});

const optionsSchema = z.strictObject({
  store: object<Store>(
    ['ready', 'factors', 'openAuditConnection'],
    'a store is needed: await openStore(…) from @countersign/postgres',
  ),
  publicUrl: z.string('the public address is needed, as text'),
  keys: z.strictObject({
    current: text('the id of the current key'),
    all: z.record(
      text('a key id'),
      z.union([z.string(), z.instanceof(Uint8Array)], 'a key is 32 bytes, as base64, hex or bytes'),
    ),
  }),
  categories: z.array(categorySchema).min(1, 'at least one category is needed'),
  factors: z
    .array(object<Factor>(['isWellFormed', 'check'], 'a factor is needed, such as totp({ issuer })'))
    .min(1, 'at least one factor is needed'),
  /** Who may see and change settings and the audit log of their workspace. Default: nobody. */
  isAdministrator: z
    .custom<(principal: Principal) => boolean>(
      (value) => typeof value === 'function',
      'a function of the principal is needed',
    )
    .default(() => () => false),
  /** The host's roles, for administrators to choose among. Those marked clinical must have a factor where nobody chose. */
  roles: z
    .array(
      z.strictObject({
        id: text('a role'),
        name: text('a name'),
        clinical: z.boolean('true or false is needed').default(true),
      }),
    )
    .default([]),
  /** Every action of the host's guards, for administrators to choose among. */
  actions: z.array(text('an action')).default(['view', 'edit', 'export', 'delete', 'payment']),
  /** Whether a password is this user's: what makes a code a second one of two factors. Rate-limited as the code is. */
  checkPassword: callable<
    (user: { readonly workspaceId: string; readonly userId: string }, password: string) => boolean | Promise<boolean>
  >('a function of a user and a password is needed').optional(),
  /** Whether the principal treats this patient now, by the host's own records: what exemptions by treatment relationship stand on. */
  treatmentRelationship: callable<
    (principal: Principal, about: { readonly patientId: string; readonly action: string }) => boolean | Promise<boolean>
  >('a function of a principal and a patient is needed').optional(),
  /** Services and queues that may see (and edit) sensitive records without a person. Every access is audited. */
  services: z
    .array(
      z.strictObject({
        userId: text('the service’s user id'),
        /** Default: in every workspace. */
        workspaceId: text('a workspace').optional(),
        /** Default: all. */
        categories: z.array(z.string()).optional(),
        actions: z.array(z.enum(['view', 'edit'], 'view or edit is needed')).default(['view']),
      }),
    )
    .default([]),
  /** How factors come to be enrolled. */
  enrolment: z
    .strictObject({
      /** What a first factor takes. A sign-in must be as recent as `freshSignInSeconds`. */
      first: z
        .enum(['fresh-sign-in', 'administrator-code'], 'fresh-sign-in or administrator-code is needed')
        .default('fresh-sign-in'),
      /** How long an administrator's one-time code is good. */
      codeSeconds: seconds(300, 14 * DAY).default(DAY),
      /** When a factor that a weaker one enrolled counts in full by itself. Default: only by an administrator's code. */
      capLiftSeconds: seconds(DAY, 30 * DAY).optional(),
    })
    .prefault({}),
  /** What signing an operation asks. */
  signing: z.strictObject({ strength: strength.default('multi-factor') }).prefault({}),
  /** Who may open what a factor guards in an emergency, and how it is bounded. Absent: nobody. */
  emergencyAccess: z
    .strictObject({
      /** Roles whose people may. */
      roles: z.array(text('a role')).min(1, 'at least one role is needed').optional(),
      /** Whether this person may, by the host's own records; one of `roles` may without being asked about. */
      eligible: callable<
        (
          principal: Principal,
          about: { readonly purpose: EmergencyPurpose; readonly patientId: string | null },
        ) => boolean | Promise<boolean>
      >('a function of a principal and a patient is needed').optional(),
      /** How long one lasts at most. */
      windowSeconds: seconds(300, 14_400).default(3600),
      /** How many one person may have open at once; beyond it a second eligible person approves. */
      mostOpen: z
        .int('a whole number is needed')
        .min(1, 'at least 1 is needed')
        .max(20, 'at most 20 are allowed')
        .default(3),
      /** The same for those opened in 24 hours. */
      mostPerDay: z
        .int('a whole number is needed')
        .min(1, 'at least 1 is needed')
        .max(100, 'at most 100 are allowed')
        .default(10),
      /** Where events are kept while the database is away, so that emergency access goes on. Absent: it ends with the database. */
      spool: z
        .strictObject({
          /** On a volume that outlives the process, for this process alone. */
          folder: z.string('a folder is needed').min(1, 'a folder is needed'),
          /** How much may wait for the database, in bytes. */
          mostBytes: z
            .int('a whole number of bytes is needed')
            .min(1_048_576, 'at least 1048576 bytes are needed')
            .max(1_073_741_824, 'at most 1073741824 bytes are allowed')
            .default(67_108_864),
        })
        .optional(),
      /** How soon after its window one has to be signed off. */
      reviewSeconds: seconds(3600, 30 * DAY).default(3 * DAY),
      /** The v3-ActReason codes to choose from. */
      purposesOfUse: z
        .array(z.enum(emergencyPurposesOfUse, 'ETREAT or BTG is needed'))
        .min(1, 'at least one is needed')
        .default([...emergencyPurposesOfUse]),
      /** What has to be said besides the reason (42 CFR 2.51(c)). Absent: not asked. */
      fields: z
        .strictObject({
          recipient: z.enum(['required', 'optional'], 'required or optional is needed').optional(),
          facility: z.enum(['required', 'optional'], 'required or optional is needed').optional(),
          nature: z.enum(['required', 'optional'], 'required or optional is needed').optional(),
        })
        .prefault({}),
    })
    .optional(),
  /** Mail about changes of factors and settings; mail and SMS about emergency access. */
  notices: z
    .strictObject({
      mail: object<MailSender>(['send'], 'a mail sender is needed, such as smtpMail({ … }) of @countersign/mail'),
      /** For emergency access, beside mail. */
      sms: object<SmsSender>(
        ['send'],
        'an SMS sender is needed, such as twilioSms({ … }) of @countersign/delivery',
      ).optional(),
      contacts: object<ContactSource>(['contactOf', 'administrators'], 'contactOf and administrators are needed'),
    })
    .optional(),
  /** What a workspace has that never saved settings. */
  defaults: z
    .strictObject({
      enabled: z.boolean('true or false is needed').default(true),
      graceSeconds: seconds(0, DAY).default(900),
      /** Until people whose role takes a factor have enrolled one. */
      untilEnrolled: z
        .enum(['sensitive-only', 'refuse'], 'sensitive-only or refuse is needed')
        .default('sensitive-only'),
      /** Whether loosening changes of settings wait for a second administrator. */
      secondAdministrator: z.boolean('true or false is needed').default(false),
    })
    .prefault({}),
  /** Within which administrators may choose. */
  bounds: z
    .strictObject({ leastGraceSeconds: seconds(0, DAY).default(0), mostGraceSeconds: seconds(0, DAY).default(3600) })
    .prefault({}),
  /** Actions that ask again in spite of a grace period. */
  reauthenticateActions: z
    .array(
      z.union(
        [
          text('an action'),
          z.strictObject({
            action: text('an action'),
            /** How fresh a proof for the patient must be. 0: a proof for this operation alone. */
            withinSeconds: seconds(0, 3600).default(0),
            strength: strength.default('any'),
          }),
        ],
        'an action, or { action, withinSeconds, strength } is needed',
      ),
    )
    .default(['export', 'delete', 'payment']),
  /** How long a proof answers changes of factors and settings. */
  accountGraceSeconds: seconds(30, 3600).default(300),
  /** How soon a one-shot proof must be used. */
  oneShotSeconds: seconds(10, 900).default(120),
  /** How long a challenge stays open. */
  challengeSeconds: seconds(30, 3600).default(600),
  /** How recent a sign-in must be for the first enrolment of a factor. */
  freshSignInSeconds: seconds(60, DAY).default(900),
  /** How long the previous binding cookie goes on seeing earlier proofs. */
  oldBindingSeconds: seconds(0, 60).default(10),
  /** How long proofs count without the database confirming that nothing was revoked. */
  confirmationSeconds: seconds(2, 300).default(30),
  attempts: z
    .strictObject({
      perWindow: z
        .int('a whole number is needed')
        .min(3, 'at least 3 are needed')
        .max(100, 'at most 100 are allowed')
        .default(30),
      windowSeconds: seconds(60, 30 * DAY).default(DAY),
      /** NIST SP 800-63B-4 §3.2.2 allows at most 100. */
      consecutive: z
        .int('a whole number is needed')
        .min(3, 'at least 3 are needed')
        .max(100, 'at most 100 are allowed')
        .default(100),
    })
    .prefault({}),
  /** Limits of the host's sessions. Absent: not enforced here. */
  limits: z.strictObject({ absoluteSeconds: seconds(60, DAY).optional() }).prefault({}),
  /** What a category id means that a record carries and the catalogue does not declare. */
  unknownCategories: z.enum(['refuse', 'ordinary'], 'refuse or ordinary is needed').default('refuse'),
  /** `several` where more than one process serves the same people: then session state must be shared. */
  nodes: z.enum(['one', 'several'], 'one or several is needed').default('one'),
  sessionState: object<SessionStateStore>(['read', 'begin', 'grant'], 'a session state store is needed').optional(),
  audit: z
    .strictObject({
      queueLimit: z.int('a whole number is needed').min(100, 'at least 100 are needed').default(10_000),
      /** Where events go after their commit, besides the table. */
      eventSinks: z
        .array(object<EventSink>(['deliver'], 'an event sink is needed: a name and deliver(events)'))
        .default([]),
      /** The name that checkpoints are signed under. Default: host and path of `publicUrl`. */
      origin: z
        .string('a name is needed, as text')
        .regex(/^[!-*,-~]{1,200}$/, 'up to 200 ASCII characters without spaces and + are needed')
        .optional(),
      /** What signs checkpoints: Ed25519, as PKCS#8 PEM or a seed of 32 bytes. Default: derived from the current key. */
      checkpointKey: z
        .union([z.string(), z.instanceof(Uint8Array)], 'a key is PKCS#8 PEM, or 32 bytes as base64, hex or bytes')
        .optional(),
      /** What else has signed checkpoints of this log: `vkey`s of earlier keys. */
      earlierCheckpointKeys: z.array(z.string('a vkey is needed, as text')).default([]),
      /** Where checkpoints are brought. */
      checkpointSinks: z
        .array(object<CheckpointSink>(['deliver'], 'a checkpoint sink has a name and deliver()'))
        .default([]),
      /** The least time between two deliveries to one sink. */
      checkpointSeconds: seconds(1, 3600).default(1),
    })
    .prefault({}),
  clock: object<Clock>(['now', 'elapsed'], 'a clock has now() and elapsed()').default(systemClock),
  random: z
    .custom<RandomSource>((value) => typeof value === 'function', 'a function of a number of bytes is needed')
    .default(() => systemRandom),
  ids: z.custom<IdSource>((value) => typeof value === 'function', 'a function is needed').default(timeOrderedIds),
});

/** What a host gives to `createCountersign`. */
export type CountersignOptions = z.input<typeof optionsSchema>;
/** A category as the host declares it. */
export type CategoryOptions = z.input<typeof categorySchema>;
/** A category, validated, with its defaults. */
export type Category = Readonly<z.output<typeof categorySchema>>;

/** The validated configuration: whole, cross-checked, frozen. */
export interface Configuration
  extends Readonly<
    Omit<
      z.output<typeof optionsSchema>,
      'publicUrl' | 'keys' | 'categories' | 'audit' | 'sessionState' | 'services' | 'reauthenticateActions'
    >
  > {
  readonly publicUrl: URL;
  readonly keyring: Keyring;
  readonly audit: Omit<z.output<typeof optionsSchema>['audit'], 'checkpointKey'>;
  readonly checkpointKeys: CheckpointKeys;
  readonly categories: ReadonlyMap<string, Category>;
  readonly services: readonly ServiceRule[];
  /** By action. */
  readonly reauthentication: ReadonlyMap<string, ReauthenticationRule>;
  readonly sessionState: SessionStateStore | undefined;
}

/**
 * Validates options whole and against each other. Throws `configuration_invalid`, naming every option at fault, the kind of
 * value it has, and the cure; no value is repeated, since it may be a secret.
 */
export function resolveConfiguration(options: CountersignOptions): Configuration {
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) throw invalid(parsed.error.issues.map((issue) => sentence(issue, options)));
  const { publicUrl, keys, categories, sessionState, services, reauthenticateActions, audit, ...rest } = parsed.data;
  const problems = [...crossChecks(parsed.data)];
  if (problems.length > 0) throw invalid(problems);
  const url = parsePublicUrl(publicUrl);
  const keyring = new Keyring(keys as KeyringOptions);
  const { checkpointKey, ...shownAudit } = audit;
  return deepFreeze({
    ...rest,
    publicUrl: url,
    keyring,
    audit: shownAudit,
    checkpointKeys: new CheckpointKeys({
      origin: audit.origin ?? null,
      fallback: `${url.host}${url.pathname.replace(/^\/$/, '')}`.replaceAll('+', '%2B'),
      key: checkpointKey ?? null,
      seeds: [...keyring.checkpointSeeds.values()],
      earlier: audit.earlierCheckpointKeys,
    }),
    categories: new Map(categories.map((category) => [category.id, deepFreeze(category)])),
    services: services.map(({ userId, workspaceId, categories: ids, actions }) => ({
      userId,
      workspaceId: workspaceId ?? null,
      categories: ids === undefined ? null : new Set(ids),
      actions: new Set<string>(actions),
    })),
    reauthentication: new Map(
      reauthenticateActions.map((entry) => {
        if (typeof entry === 'string') return [entry, { withinSeconds: 0, strength: 'any' as const }];
        const { action, ...rule } = entry;
        return [action, rule];
      }),
    ),
    sessionState,
  });
}

function* crossChecks(options: z.output<typeof optionsSchema>): Generator<string> {
  const { defaults, bounds, categories, factors } = options;
  if (bounds.leastGraceSeconds > bounds.mostGraceSeconds)
    yield 'bounds.leastGraceSeconds is above bounds.mostGraceSeconds. Swap them.';
  if (defaults.graceSeconds < bounds.leastGraceSeconds || defaults.graceSeconds > bounds.mostGraceSeconds) {
    yield 'defaults.graceSeconds is outside bounds. Widen the bounds or change the default.';
  }
  for (const [what, values] of [
    ['categories', categories.map((category) => category.id)],
    ['factors', factors.map((factor) => factor.id)],
    ['roles', options.roles.map((role) => role.id)],
    ['audit.eventSinks', options.audit.eventSinks.map((sink) => sink.name)],
    [
      'categories.codings',
      categories.flatMap((category) => category.codings.map(({ system, code }) => `${system}|${code}`)),
    ],
  ] as const) {
    const twice = values.find((value, index) => values.indexOf(value) !== index);
    if (twice !== undefined) yield `${what} has ${twice} twice. Keep one.`;
  }
  const most = reachable(factors, options.checkPassword !== undefined);
  for (const category of categories) {
    if (!satisfiesStrength(most, category.strength)) {
      yield `categories: ${category.id} asks for a ${category.strength} factor and none is configured. Add passkey() to factors${category.strength === 'multi-factor' ? ' or give checkPassword' : ''}, or lower strength.`;
    }
  }
  for (const rule of options.reauthenticateActions) {
    if (typeof rule !== 'string' && !satisfiesStrength(most, rule.strength))
      yield `reauthenticateActions: ${rule.action} asks for a ${rule.strength} factor and none is configured. Add passkey() to factors, or lower strength.`;
  }
  const declared = new Set(categories.map((category) => category.id));
  for (const { userId, categories: ids } of options.services) {
    if (ids?.some((id) => !declared.has(id)) === true)
      yield `services: ${userId} names a category that is not declared. Declare it, or remove it.`;
  }
  const { emergencyAccess, roles } = options;
  if (emergencyAccess !== undefined && emergencyAccess.roles === undefined && emergencyAccess.eligible === undefined)
    yield 'emergencyAccess says nobody who may use it. Give roles, or eligible.';
  const strange = emergencyAccess?.roles?.find((role) => roles.length > 0 && !roles.some(({ id }) => id === role));
  if (strange !== undefined)
    yield `emergencyAccess.roles names ${strange}, which roles does not declare. Declare it, or remove it.`;
  for (const factor of factors) {
    const problem = URL.canParse(options.publicUrl) ? factor.problemAt?.(parsePublicUrl(options.publicUrl)) : null;
    if (problem != null) yield `factors: ${problem}`;
    if (!/^[a-z][a-z0-9-]{0,31}$/.test(factor.id))
      yield 'factors: an id is not made of up to 32 lower-case letters, digits and hyphens. Rename it.';
    if (factor.isAvailable === undefined && factor.invite === undefined)
      yield `factors: ${factor.id} can neither be enrolled (invite) nor is it enrolled elsewhere (isAvailable). Give it either.`;
    if (factor.invite !== undefined && factor.confirmedAtOnce !== true && factor.confirm === undefined)
      yield `factors: ${factor.id} has no confirm for its first answer. Give it one, or set confirmedAtOnce.`;
    if ((factor.begin === undefined) !== (factor.ceremonyOf === undefined))
      yield `factors: ${factor.id} needs begin and ceremonyOf together, or neither.`;
  }
  for (const { name } of options.audit.eventSinks) {
    if (typeof name !== 'string' || !/^[\w.:-]{1,64}$/.test(name))
      yield 'audit.eventSinks: a name is not made of up to 64 letters, digits, or _ . : -. Rename it.';
  }
  if (options.nodes === 'several' && (options.sessionState === undefined || !options.sessionState.shared)) {
    yield 'nodes is several and sessionState is not shared, so a proof or a revocation on one node would not count on another. Give a shared session state store.';
  }
  if (options.nodes === 'several' && !options.store.shared) {
    yield 'nodes is several and the store is an embedded database, which one process owns. Use a PostgreSQL server.';
  }
}

/** The most that any principal could prove with what is configured. */
export function reachable(factors: readonly Factor[], withPassword: boolean): Strength {
  return factors
    .map((factor) =>
      withPassword && factor.combinesWithPassword === true
        ? strongest(factor.strength, 'multi-factor')
        : factor.strength,
    )
    .reduce(strongest, 'any');
}

function parsePublicUrl(value: string): URL {
  const refuse = (problem: string, cure: string) => invalid([`publicUrl ${problem} ${cure}`]);
  if (!URL.canParse(value)) throw refuse('is not a URL.', 'Write it whole: https://ehr.example.org/clinic');
  const url = new URL(value);
  const local = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$|\.localhost$/.test(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && local)) {
    throw refuse(
      'is not https.',
      'Plain http is accepted on localhost only: session and binding cookies would travel readable.',
    );
  }
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw refuse('has more than scheme, host, port and path.', 'Leave out query, fragment and user.');
  }
  url.pathname = url.pathname.replace(/\/+$/, '');
  return url;
}

function sentence(issue: z.core.$ZodIssue, options: unknown): string {
  const path = issue.path.reduce<string>(
    (at, part) => (typeof part === 'number' ? `${at}[${part}]` : at === '' ? String(part) : `${at}.${String(part)}`),
    '',
  );
  if (issue.code === 'unrecognized_keys') {
    return `${path === '' ? '' : `${path}: `}${issue.keys.join(', ')} is no option. Check the spelling, or remove it.`;
  }
  let value: unknown = options;
  for (const part of issue.path)
    value = typeof value === 'object' && value !== null ? Reflect.get(value, part) : undefined;
  return `${path === '' ? 'the options' : path} (${kindOf(value)}): ${issue.message}.`;
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'not given';
  if (value === null) return 'null';
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'an object';
  return `a ${typeof value}`;
}

function invalid(problems: readonly string[]): CountersignError {
  return new CountersignError('configuration_invalid', {
    detail: `The Countersign configuration is not valid: ${problems.join(' ')}`,
    extra: { problems },
  });
}

/** Freezes plain data; objects with behaviour (store, clock, keyring) are left as they are. */
function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    const plain =
      typeof part === 'object' &&
      part !== null &&
      [Object.prototype, Array.prototype].includes(Object.getPrototypeOf(part));
    const behaves = plain && Object.values(part).some((member) => typeof member === 'function');
    if (plain && !behaves && !Object.isFrozen(part)) deepFreeze(part);
  }
  return Object.freeze(value);
}
