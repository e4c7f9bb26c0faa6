import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { fromNodeHeaders } from 'better-auth/node';
import Fastify, { type FastifyRequest } from 'fastify';
import pg from 'pg';
import { CookieClient } from './cookie-client.ts';
import { served } from './fastify-servers.ts';
import type { Served } from './served.ts';
import { findVisit } from './visits.ts';

const FRESH_SECONDS = 14_400;

/** The route behind better-auth's session and its notion of a fresh one, which is as old as its last sign-in. */
export async function betterAuthFastify(databaseUrl: string, cookieCache: boolean): Promise<Served> {
  const auth = betterAuth({
    database: new pg.Pool({ connectionString: databaseUrl, max: 10 }),
    secret: 's'.repeat(40),
    baseURL: 'http://localhost',
    emailAndPassword: { enabled: true },
    session: { freshAge: FRESH_SECONDS, cookieCache: { enabled: cookieCache, maxAge: FRESH_SECONDS } },
  });
  await (await getMigrations(auth.options)).runMigrations();
  const app = Fastify();
  app.get('/visits/:id', async (request, reply) => {
    const found = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) });
    if (found === null) return reply.code(401).send({ status: 401 });
    const age = Date.now() - new Date(found.session.createdAt).getTime();
    if (!(age < FRESH_SECONDS * 1000)) return reply.code(401).send({ status: 401 });
    const visit = await findVisit((request.params as { id: string }).id);
    return visit ?? reply.code(404).send({ status: 404 });
  });
  app.post('/sign-in', async (_request: FastifyRequest, reply) => {
    const body = { email: 'u1@example.org', password: 'correct horse battery', name: 'u1' };
    const { headers } = await auth.api.signUpEmail({ body, returnHeaders: true });
    for (const cookie of headers.getSetCookie()) void reply.header('set-cookie', cookie);
    return { signedIn: true };
  });
  return await served(app, async (baseUrl) => {
    const client = new CookieClient(baseUrl);
    await client.send('POST', '/sign-in', 200);
    return client.header;
  });
}
