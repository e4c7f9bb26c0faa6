import type { Answer, Client } from './client.ts';
import type { Host } from './hosts.ts';

/** Somebody with an authenticator app, who may change settings. */
export interface Administrator {
  readonly client: Client;
  readonly secret: string;
}

export const SETTINGS_API = '/api/v1/admin/settings';

/** Sends; where a fresh proof is asked, answers with the next code and sends again. */
export async function withProof(host: Host, admin: Administrator, send: () => Promise<Answer>): Promise<Answer> {
  const refused = await send();
  if (refused.status !== 401) return refused;
  host.clock.set(30);
  const json = { challengeId: refused.json().challengeId, factor: 'totp', code: host.code(admin.secret) };
  const answer = await admin.client.post('/api/v1/auth/mfa/verify', { json });
  if (answer.status !== 200) throw new Error(`The code was refused: ${answer.status} ${answer.text}`);
  return await send();
}

/** Changes some of the settings that are in force, as a program does. */
export async function putSettings(
  host: Host,
  admin: Administrator,
  change: Readonly<Record<string, unknown>>,
): Promise<Answer> {
  const { version, settings } = (await admin.client.get(SETTINGS_API)).json() as { version: number; settings: object };
  const json = { version, settings: { ...settings, ...change } };
  return await withProof(host, admin, () => admin.client.send('PUT', SETTINGS_API, { json }));
}

/** The same, where it must be saved at once. */
export async function saveSettings(
  host: Host,
  admin: Administrator,
  change: Readonly<Record<string, unknown>>,
): Promise<void> {
  const answer = await putSettings(host, admin, change);
  if (answer.status !== 200) throw new Error(`Not saved: ${answer.status} ${answer.text}`);
}

/** Decides about a proposal, as a program does. */
export const decideProposal = (
  host: Host,
  admin: Administrator,
  decision: 'approve' | 'reject' | 'withdraw',
  proposal?: string,
): Promise<Answer> =>
  withProof(host, admin, () =>
    admin.client.post(`${SETTINGS_API}/proposal`, {
      json: { decision, ...(proposal === undefined ? {} : { proposal }) },
    }),
  );

/** A fresh proof for changes of settings, without one: refused for its version after the proof was given. */
export async function proveFreshly(host: Host, admin: Administrator): Promise<void> {
  const { version, settings } = (await admin.client.get(SETTINGS_API)).json();
  const json = { version: Number(version) + 1000, settings };
  const answer = await withProof(host, admin, () => admin.client.send('PUT', SETTINGS_API, { json }));
  if (answer.status !== 409) throw new Error(`Expected a conflict: ${answer.status} ${answer.text}`);
}
