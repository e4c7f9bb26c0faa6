// A real OpenID Connect provider on localhost, at which whoever comes is signed in as a test says.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import Provider, { type Configuration } from 'oidc-provider';
import t from 'tap';
import { Client } from './client.ts';
import { CookieJar } from './cookie-jar.ts';

/** What happens at the provider's sign-in page. */
export type SignIn =
  | {
      readonly accountId: string;
      readonly acr?: string;
      readonly amr?: readonly string[];
      /** When the person authenticated, in seconds since 1970; default: now. */
      readonly ts?: number;
    }
  | { readonly error: string };

export interface IdentityProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Addresses it sends people back to. */
  readonly redirectUris: Set<string>;
  /** How often its sign-in page was shown. */
  readonly shown: number;
  /** Who signs in at the next sign-in page. */
  next: SignIn;
  /** While true, it answers everything with 503. */
  away: boolean;
  /** Goes where a browser is sent, signing in where it is asked to; the address on which it leaves the provider. */
  visit(redirectTo: string, jar?: CookieJar): Promise<URL>;
}

/** Starts one. Closed at the end of the test file. */
export async function startIdentityProvider(acrValues: readonly string[] = []): Promise<IdentityProvider> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const configuration: Configuration = {
    acrValues: [...acrValues],
    claims: { acr: null, amr: null, auth_time: null, openid: ['sub'] },
    clients: [
      {
        client_id: 'ehr',
        client_secret: 'a secret of the client',
        redirect_uris: ['https://ehr.example.org/callback'],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    cookies: { keys: ['key of the cookies'] },
    features: { devInteractions: { enabled: false }, claimsParameter: { enabled: true } },
    findAccount: (_context, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig' }] },
    // Everybody has agreed to everything.
    async loadExistingGrant(context) {
      const { client, session } = context.oidc;
      if (client === undefined || session?.accountId === undefined) return undefined;
      const grant = new context.oidc.provider.Grant({ accountId: session.accountId, clientId: client.clientId });
      grant.addOIDCScope('openid');
      await grant.save();
      return grant;
    },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
  };
  const provider = new Provider(issuer, configuration);
  const redirectUris = new Set<string>();
  provider.Client.prototype.redirectUriAllowed = (uri: string) => redirectUris.has(uri);
  let shown = 0;
  const idp: IdentityProvider = {
    issuer,
    clientId: 'ehr',
    clientSecret: 'a secret of the client',
    redirectUris,
    get shown() {
      return shown;
    },
    next: { error: 'access_denied' },
    away: false,
    async visit(redirectTo, jar = new CookieJar()) {
      const browser = new Client(issuer, jar);
      let address = new URL(redirectTo);
      for (let step = 0; step < 10; step++) {
        if (address.origin !== issuer) return address;
        const answer = await browser.get(`${address.pathname}${address.search}`);
        const location = answer.headers.get('location');
        if (location === null) throw new Error(`No way on: ${answer.status} ${answer.text.slice(0, 300)}`);
        address = new URL(location, issuer);
      }
      throw new Error('It goes round in circles.');
    },
  };
  const callback = provider.callback();
  server.on('request', (request, response) => {
    if (idp.away) {
      response.writeHead(503).end();
      return;
    }
    if (!request.url?.startsWith('/interaction/')) return void callback(request, response);
    shown += 1;
    const { next } = idp;
    const result =
      'error' in next
        ? { error: next.error }
        : { login: { ...next, amr: next.amr === undefined ? [] : [...next.amr] } };
    provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false }).catch((error) => {
      response.writeHead(500).end(String(error));
    });
  });
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return idp;
}
