// What a person does on the pages of factors, over HTTP and with an authenticator in software.
import { type CountersignOptions, passkey, recoveryCodes, totp } from '@countersign/core';
import { SoftwareAuthenticator } from '../../packages/core/test/factors/software-authenticator.ts';
import type { Answer, Client } from './client.ts';
import { type AdapterName, type Host, startHost } from './hosts.ts';

const factors = () => [passkey(), totp({ issuer: 'Example EHR' }), recoveryCodes()];
export const FACTORS = '/step-up/factors';

export const start = (adapter: AdapterName, countersign: Partial<CountersignOptions> = {}): Promise<Host> =>
  startHost(adapter, { countersign: { factors: factors(), ...countersign } });

export const unescaped = (text: string): string =>
  text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

export const actionsOf = (page: Answer): string[] =>
  [...page.text.matchAll(/<form[^>]*action="([^"]+)"/g)].map((found) => unescaped(found[1] ?? ''));

/** Sends the form of a page whose address ends so, with its hidden fields. */
export function send(
  client: Client,
  page: Answer,
  ending: string,
  fields: Record<string, string> = {},
): Promise<Answer> {
  const forms = [...page.text.matchAll(/<form[^>]*action="([^"]+)".*?<\/form>/gs)];
  const form = forms.find(([, action = '']) => unescaped(action).split('?')[0]?.endsWith(ending));
  if (form === undefined) throw new Error(`No form ${ending} among ${actionsOf(page).join(' ')}: ${page.status}`);
  const hidden = [...form[0].matchAll(/<input type="hidden" name="([^"]+)" value(?:="([^"]*)")?/g)];
  const held = Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, unescaped(value)]));
  return client.post(unescaped(form[1] ?? ''), { page: true, form: { ...held, ...fields } });
}

export const follow = (client: Client, answer: Answer): Promise<Answer> => {
  if (answer.status !== 303) throw new Error(`No redirect: ${answer.status} ${answer.text}`);
  return client.get(answer.headers.get('location') ?? '', { page: true });
};

export const codesOn = (page: Answer): string[] =>
  [...page.text.matchAll(/<li>([0-9A-Z]{4}(?:-[0-9A-Z]{4}){3})<\/li>/g)].map((found) => found[1] ?? '');

export const attribute = (page: Answer, name: string): string =>
  unescaped(new RegExp(`${name}="([^"]*)"`).exec(page.text)?.[1] ?? '');

/** Makes a passkey on the page that offers it. */
export function createOn(host: Host, page: Answer, device: SoftwareAuthenticator): string {
  const options = JSON.parse(attribute(page, 'data-cs-options'));
  const { origin } = new URL(host.baseUrl);
  return JSON.stringify(device.create(options, { challenge: options.challenge, rpId: 'localhost', origin }));
}

/** Answers the challenge of a page with a passkey, as the script does. */
export async function answerOn(
  host: Host,
  client: Client,
  page: Answer,
  device: SoftwareAuthenticator,
  verified = true,
) {
  const challengeId = attribute(page, 'data-cs-challenge');
  const begun = await client.post(attribute(page, 'data-cs-begin'), { json: { challengeId, factor: 'passkey' } });
  const { options } = begun.json().invitation as { options: { challenge: string } };
  const { origin } = new URL(host.baseUrl);
  const response = device.get({ challenge: options.challenge, rpId: 'localhost', origin, verified });
  return await send(client, page, '/passkey', { response: JSON.stringify(response) });
}

/** A user with a passkey, enrolled on the pages. */
export async function withPasskey(host: Host, userId: string) {
  const client = await host.signedIn(userId);
  const device = new SoftwareAuthenticator();
  const begun = await send(client, await client.get(FACTORS, { page: true }), '/passkey/enrol');
  const shown = await follow(client, begun);
  const done = await send(client, shown, '/passkey/confirm', {
    response: createOn(host, shown, device),
    label: 'Laptop',
  });
  if (done.status !== 200) throw new Error(`Not enrolled: ${done.status} ${done.text}`);
  return { client, device, done };
}

export const ownFactors = async (client: Client) =>
  (await client.get('/api/v1/auth/mfa/factors')).json().factors as {
    id: string;
    factor: string;
    label: string;
    strength: string;
    cap: { full: string; liftsAt: string | null } | null;
    remaining: number | null;
  }[];

/** Answers a refused API request's challenge with an authenticator app. */
export async function passed(host: Host, client: Client, secret: string, refused: Answer): Promise<void> {
  const { challengeId } = refused.json();
  const json = { challengeId, factor: 'totp', code: host.code(secret) };
  const answer = await client.post('/api/v1/auth/mfa/verify', { json });
  if (answer.status !== 200) throw new Error(`Refused: ${answer.text}`);
}
