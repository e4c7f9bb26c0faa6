import type { Check, Patient } from './examination.ts';
import { type Finding, fault, notAsked, warning, well } from './finding.ts';

const WAIT_MILLISECONDS = 5000;
/** In a domain that nobody can own (RFC 6761 §6.4). */
const FORGED = 'forged-by-doctor.invalid';

/** What a browser gets: caching, cookies, HTTPS, and whether a proxy's headers can be forged. */
export const siteCheck: Check = {
  subject: 'Web site',
  offline: true,
  async look(patient) {
    const { url } = patient;
    if (url === null)
      return [notAsked('No address was given: cookies, caching and proxy were not looked at.', 'Give --url https://…')];
    const answer = await ask(addressOf(url, patient.apiPath, '/auth/session'));
    if (typeof answer === 'string')
      return [
        fault(
          `${url.origin} does not answer: ${answer}.`,
          'See that the application runs, and that its certificate is valid for this name.',
        ),
      ];
    const findings = [
      ...session(answer),
      ...cookies(answer, url),
      ...transport(answer, url),
      ...(await plainHttp(url)),
      ...(await forgedHeaders(patient, url)),
    ];
    return findings.length > 0
      ? findings
      : [well('Nothing is cached, cookies are secure, and forged proxy headers change nothing.')];
  },
};

function session(answer: Answer): Finding[] {
  const findings: Finding[] = [];
  if (answer.status !== 200 && answer.status !== 401)
    findings.push(
      fault(
        `The session endpoint answered ${answer.status}, where 200 or 401 is expected.`,
        'Give --url as publicUrl has it, and --api-path where apiPath is another; see that the proxy passes these paths on.',
      ),
    );
  else if (!/\bno-store\b/.test(answer.header('cache-control')))
    findings.push(
      fault(
        'Answers about the session may be cached: Cache-Control has no no-store.',
        'Let the proxy leave Cache-Control as the application sends it.',
      ),
    );
  if (answer.header('age') !== '' || /\bhit\b/i.test(answer.header('x-cache')))
    findings.push(
      fault(
        'An answer about the session came out of a cache.',
        'Take the application’s paths out of the cache of the proxy.',
      ),
    );
  return findings;
}

function cookies(answer: Answer, url: URL): Finding[] {
  if (url.protocol !== 'https:') return [];
  const findings: Finding[] = [];
  for (const cookie of answer.cookies) {
    const name = cookie.split('=', 1)[0]?.trim() ?? '';
    if (name === 'countersign')
      findings.push(
        fault(
          'Our cookie is the one for plain HTTP, on a site with HTTPS.',
          'Set publicUrl to the https:// address that people use.',
        ),
      );
    if (!/;\s*secure\b/i.test(cookie))
      findings.push(
        fault(
          `The cookie ${name} is sent without Secure.`,
          'Set Secure on it; behind a proxy, tell the session plugin to trust it.',
        ),
      );
    if (!/;\s*httponly\b/i.test(cookie))
      findings.push(
        warning(
          `The cookie ${name} is sent without HttpOnly.`,
          'Set it, unless scripts of yours have to read this cookie.',
        ),
      );
  }
  return findings;
}

function transport(answer: Answer, url: URL): Finding[] {
  if (url.protocol !== 'https:' || answer.header('strict-transport-security') !== '') return [];
  return [
    warning(
      'There is no Strict-Transport-Security: a first visit can be led to plain HTTP.',
      'Send it from the proxy or the application.',
    ),
  ];
}

/** Only where HTTPS is on its own port: then plain HTTP has its own too. */
async function plainHttp(url: URL): Promise<Finding[]> {
  if (url.protocol !== 'https:' || url.port !== '') return [];
  const answer = await ask(new URL(`http://${url.hostname}${url.pathname}`));
  if (typeof answer === 'string') return [];
  const target = answer.header('location');
  if (answer.status >= 300 && answer.status < 400 && target.startsWith('https://')) return [];
  return [
    fault(
      `http://${url.hostname} answers ${answer.status} and leads nobody to HTTPS.`,
      'Redirect everything there to https://.',
    ),
  ];
}

/** Addresses come from `publicUrl` alone: a header that anybody can send must not move them. */
async function forgedHeaders({ apiPath, pagesPath }: Patient, url: URL): Promise<Finding[]> {
  const headers = {
    'x-forwarded-host': FORGED,
    'x-forwarded-proto': 'http',
    'x-forwarded-server': FORGED,
    forwarded: `host=${FORGED};proto=http`,
  };
  const findings: Finding[] = [];
  for (const [prefix, path] of [
    [apiPath, '/auth/session'],
    [pagesPath, '/factors'],
  ] as const) {
    const answer = await ask(addressOf(url, prefix, path), headers);
    if (typeof answer === 'string') continue;
    if (answer.location.includes(FORGED) || answer.body.includes(FORGED))
      findings.push(
        fault(
          `${prefix}${path} repeats a forged X-Forwarded-Host.`,
          'Trust forwarding headers of your own proxy only, and let it overwrite what came from outside.',
        ),
      );
    findings.push(...cookies(answer, url).filter(({ says }) => says.includes('Secure') || says.includes('plain HTTP')));
  }
  return findings;
}

interface Answer {
  readonly status: number;
  readonly location: string;
  readonly cookies: readonly string[];
  readonly body: string;
  header(name: string): string;
}

/** The answer, redirects not followed; or why there is none. */
async function ask(address: URL, headers: Readonly<Record<string, string>> = {}): Promise<Answer | string> {
  try {
    const response = await fetch(address, {
      redirect: 'manual',
      headers,
      signal: AbortSignal.timeout(WAIT_MILLISECONDS),
    });
    const header = (name: string) => response.headers.get(name) ?? '';
    return {
      status: response.status,
      location: header('location'),
      cookies: response.headers.getSetCookie(),
      body: (await response.text()).slice(0, 1_000_000),
      header,
    };
  } catch (error) {
    if (!(error instanceof Error) || error.name === 'TimeoutError') return 'no answer in time';
    const { cause } = error;
    return cause instanceof Error && 'code' in cause && typeof cause.code === 'string'
      ? cause.code
      : 'it cannot be asked';
  }
}

const addressOf = (url: URL, prefix: string, path: string): URL =>
  new URL(`${url.pathname.replace(/\/$/, '')}${prefix}${path}`, url);
