import { CountersignError, type FactorUser } from '@countersign/core';
import type { ClientAuth } from 'openid-client';
import { z } from 'zod';

type MaybePromise<T> = T | Promise<T>;

const callable = <T>(what: string) => z.custom<T>((value) => typeof value === 'function', what);
const text = z.string('a text is needed').min(1, 'it must not be empty');
const strengths = z.record(
  text,
  z.enum(['any', 'multi-factor', 'phishing-resistant'], 'any, multi-factor or phishing-resistant is needed'),
);

/** The claims of a validated ID token. */
export type RecheckClaims = Readonly<Record<string, unknown>> & { readonly iss: string; readonly sub: string };

const optionsSchema = z
  .strictObject({
    /** The factor's id, in URLs and on the audit log. */
    id: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,31}$/, 'up to 32 lower-case letters, digits and hyphens are needed')
      .default('identity-provider'),
    /** The provider's issuer, exactly as its tokens name it. */
    issuer: z.url('the issuer’s address is needed'),
    clientId: text,
    /** The client's secret; or `clientAuthentication` in its place. */
    clientSecret: text.optional(),
    /** Another way to authenticate the client, of openid-client: `PrivateKeyJwt(key)`. */
    clientAuthentication: callable<ClientAuth>('a client authentication of openid-client is needed').optional(),
    /** Where the provider sends people back to. Default: `<publicUrl><pagesPath>/recheck/<id>`. Register it there. */
    redirectUri: z.url('an address is needed').optional(),
    /** Must hold `openid`. */
    scope: z
      .string()
      .refine((value) => value.split(' ').includes('openid'), 'openid must be among the scopes')
      .default('openid'),
    /** What is asked of the provider, the best first; the ID token must then name one of them. Default: nothing is asked. */
    acrValues: z.array(text.refine((value) => !value.includes(' '), 'no spaces')).default([]),
    /** How long before the step-up the person may have authenticated. 0: during it. */
    maxAgeSeconds: z.int('whole seconds are needed').min(0).max(900).default(0),
    /** What values of `acr` and `amr` prove. What is not here proves `any`. */
    strengths: z.strictObject({ acr: strengths.default({}), amr: strengths.default({}) }).prefault({}),
    /** The user's `sub` at the provider; null where the user has none there. Must come from your own records. */
    subjectOf: callable<(user: FactorUser) => MaybePromise<string | null>>('a function of a user is needed').optional(),
    /** Whether the claims are this user's, in place of `subjectOf`. Compare what the provider never gives to another person. */
    matches: callable<(claims: RecheckClaims, user: FactorUser) => MaybePromise<boolean>>(
      'a function of claims and a user is needed',
    ).optional(),
    /** Whether the user can answer at this provider. Default: whether `subjectOf` knows them. */
    isAvailable: callable<(user: FactorUser) => MaybePromise<boolean>>('a function of a user is needed').optional(),
    /** Further parameters of the authorization request, such as `login_hint`. Ours cannot be replaced. */
    parametersFor: callable<(user: FactorUser) => MaybePromise<Readonly<Record<string, string>>>>(
      'a function of a user is needed',
    ).optional(),
    /** By how much the provider's clock may be off. */
    skewSeconds: z.int('whole seconds are needed').min(0).max(30).default(5),
    /** How long each request to the provider may take. */
    timeoutSeconds: z.int('whole seconds are needed').min(1).max(30).default(10),
    /** Plain http, for tests: a provider on localhost only. */
    allowInsecure: z.boolean('true or false is needed').default(false),
  })
  .superRefine((options, context) => {
    const problem = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    const { protocol, hostname } = new URL(options.issuer);
    const local = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
    if (protocol !== 'https:' && !(protocol === 'http:' && local && options.allowInsecure))
      problem('issuer', 'https is needed (http on localhost only, with allowInsecure)');
    if ((options.clientSecret === undefined) === (options.clientAuthentication === undefined))
      problem('clientSecret', 'one of clientSecret and clientAuthentication is needed');
    if ((options.subjectOf === undefined) === (options.matches === undefined))
      problem('subjectOf', 'one of subjectOf and matches is needed');
    if (options.matches !== undefined && options.isAvailable === undefined)
      problem('isAvailable', 'it is needed together with matches');
    for (const acr of Object.keys(options.strengths.acr)) {
      // What was not asked for may not come, and is refused where something else was.
      if (!options.acrValues.includes(acr)) problem('strengths', 'a value of acr is not among acrValues');
    }
  });

/** Options of {@link oidcRecheck}. */
export type OidcRecheckOptions = z.input<typeof optionsSchema>;
export type ResolvedRecheckOptions = Readonly<z.output<typeof optionsSchema>>;

/** Validates the options whole. Throws `configuration_invalid`, repeating no value. */
export function resolveRecheckOptions(options: OidcRecheckOptions): ResolvedRecheckOptions {
  const parsed = optionsSchema.safeParse(options);
  if (parsed.success) return Object.freeze(parsed.data);
  const problems = parsed.error.issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? `oidcRecheck: ${issue.keys.join(', ')} is no option.`
      : `oidcRecheck.${issue.path.join('.')}: ${issue.message}.`,
  );
  throw new CountersignError('configuration_invalid', { detail: problems.join(' '), extra: { problems } });
}
