import { createServer } from 'node:http';
import type { Category } from '@countersign/core';
import { countersignExpress } from '@countersign/express';
import express, { type Express, type Request } from 'express';
import expressSession from 'express-session';
import { CookieClient } from './cookie-client.ts';
import type { Served } from './served.ts';
import { makeStepUp, principalOf, resourceOf } from './step-up.ts';
import { findVisit, type SignedIn, signedIn } from './visits.ts';

declare module 'express-session' {
  interface SessionData {
    user?: SignedIn;
  }
}

const idOf = (request: { readonly params?: unknown }): string => (request.params as { id: string }).id;

/** The route with nothing around it. */
export async function bareExpress(): Promise<Served> {
  const app = express();
  app.get('/visits/:id', async (request, response) => {
    response.json(await findVisit(idOf(request)));
  });
  return { server: createServer(app), prepare: async () => '' };
}

/** The route behind express-session, asking only who is signed in. */
export async function sessionExpress(options: 'lean' | 'defaults'): Promise<Served> {
  const app = withSession(options);
  app.get('/visits/:id', async (request, response) => {
    const { user } = request.session;
    if (user === undefined) {
      response.status(401).json({ status: 401 });
      return;
    }
    const visit = await findVisit(idOf(request));
    if (visit === null || visit.workspaceId !== user.workspaceId) response.status(404).json({ status: 404 });
    else response.json(visit);
  });
  return {
    server: createServer(app),
    async prepare(baseUrl) {
      const client = new CookieClient(baseUrl);
      await client.send('POST', '/sign-in', 200);
      return client.header;
    },
  };
}

/** The route behind the same session and a guard. */
export async function guardedExpress(databaseUrl: string, accessAudit: Category['accessAudit']): Promise<Served> {
  const { countersign, prepare } = await makeStepUp(databaseUrl, accessAudit);
  const app = withSession('lean');
  const { router, requireStepUp } = countersignExpress({
    countersign,
    identify: (request: Request) => principalOf(request.session.user, request.session.id),
  });
  app.use(router as never);
  const guard = requireStepUp(['5', '8'], {
    resource: async (request) => resourceOf(await findVisit(idOf(request))),
  });
  app.get('/visits/:id', guard as never, (request, response) => {
    response.json(guard.resource(request as never));
  });
  return { server: createServer(app), prepare };
}

function withSession(options: 'lean' | 'defaults'): Express {
  const app = express();
  const lean = options === 'lean';
  // The defaults are written out: left out, they are the same with a warning.
  app.use(expressSession({ secret: 's'.repeat(40), resave: !lean, saveUninitialized: !lean }));
  app.post('/sign-in', (request, response, next) => {
    request.session.regenerate((error) => {
      if (error) {
        next(error);
        return;
      }
      request.session.user = signedIn();
      response.json({ signedIn: true });
    });
  });
  return app;
}
