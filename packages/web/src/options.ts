import { CountersignError, type ItemLabels, type SessionPrincipal } from '@countersign/core';
import { z } from 'zod';
import type { WebRequest } from './http/web-request.ts';
import type { Theme } from './pages/pages.ts';
import type { StringOverrides } from './strings/strings.ts';

const path = z
  .string('a path is needed')
  .regex(
    /^(?:\/[A-Za-z0-9._~-]+)+$/,
    'a path such as /step-up is needed: with a slash at its beginning and none at its end',
  );
const callable = <T>(what: string) => z.custom<T>((value) => typeof value === 'function', what);

const optionsSchema = z.strictObject({
  /** Where our pages are. Default `/step-up`. */
  pagesPath: path.default('/step-up'),
  /** Where our JSON endpoints are. Default `/api/v1`. */
  apiPath: path.default('/api/v1'),
  /** The path under which this server sees its own URLs. Default: found out from the public address. */
  mountPath: z.union([path, z.literal('')], 'a path, or an empty text is needed').optional(),
  /** The host's sign-in page, for those who are not signed in or must do it anew. Given the path to come back to. */
  signIn: callable<(returnTo: string) => string>('a function of a path is needed').optional(),
  /** Where people go when there is nowhere to go back to. Default `/`. */
  homePath: z.string('a path is needed').startsWith('/', 'a path begins with a slash').default('/'),
  /** Language of the pages, by BCP 47: `en` (default) and `es` ship. */
  language: z
    .union(
      [z.string(), callable<(request: WebRequest) => string>('')],
      'a language tag, or a function of the request is needed',
    )
    .default('en'),
  /** Words of the host's own, laid over those that ship. */
  strings: z
    .custom<StringOverrides>((value) => typeof value === 'object' && value !== null, 'an object of strings is needed')
    .optional(),
  /** IANA zone in which instants are shown. Default `UTC`. */
  timeZone: z
    .string('an IANA time zone is needed')
    .refine(isTimeZone, 'an IANA time zone such as Europe/Vienna is needed')
    .default('UTC'),
  theme: z.custom<Theme>((value) => typeof value === 'object' && value !== null, 'an object is needed').optional(),
  /** A host's own CSRF protection: the field it reads and the token to put into our forms. */
  csrf: z
    .strictObject(
      {
        field: z.string().min(1),
        token: callable<(request: WebRequest) => string>('a function of the request is needed'),
      },
      'field and token are needed',
    )
    .optional(),
  /** Who may show our pages in a frame, as CSP sources. Default: nobody. */
  frameAncestors: z.array(z.string().regex(/^[^\s;,]+$/, 'one CSP source each')).default([]),
  /** Whether refusals and the challenge page name a record's categories. Default false: that much is told by a step-up, not before it. */
  nameCategories: z.boolean('true or false is needed').default(false),
  /** A label for a patient on the challenge page. Default: none, since we know no names. */
  patientLabel: callable<(patientId: string, principal: SessionPrincipal) => Promise<string | null> | string | null>(
    'a function of a patient id is needed',
  ).optional(),
  /** Looks at JSON payloads before they leave, for sensitive records that their route forgot to guard. `describe` says whose a payload is that is no FHIR, and what it carries. Default false. */
  inspectResponses: z
    .union(
      [
        z.boolean(),
        z.strictObject({
          describe: callable<(payload: unknown, request: never) => readonly ItemLabels[]>('a function is needed'),
        }),
      ],
      'true, false or { describe } is needed',
    )
    .default(false),
  /** Whether `GET <apiPath>/openapi.json` answers with the OpenAPI document of our endpoints, to anybody. Default false: 404. */
  openApi: z.boolean('true or false is needed').default(false),
  /** Told of faults that were answered with 5xx, for the host's log. Nothing secret is in them. */
  onFault: callable<(error: CountersignError) => void>('a function of an error is needed').optional(),
});

/** How our pages and endpoints fit into a host. Everything has a default. */
export type WebOptions = z.input<typeof optionsSchema>;
export type ResolvedWebOptions = Readonly<z.output<typeof optionsSchema>>;

/** Validates the options whole. Throws `configuration_invalid`, naming each option at fault and the cure. */
export function resolveWebOptions(options: WebOptions): ResolvedWebOptions {
  const parsed = optionsSchema.safeParse(options);
  if (parsed.success) return Object.freeze(parsed.data);
  const problems = parsed.error.issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? `${issue.keys.join(', ')} is no option.`
      : `${issue.path.join('.')}: ${issue.message}.`,
  );
  throw new CountersignError('configuration_invalid', {
    detail: `The Countersign web options are not valid: ${problems.join(' ')}`,
    extra: { problems },
  });
}

function isTimeZone(value: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }) !== null;
  } catch {
    return false;
  }
}
