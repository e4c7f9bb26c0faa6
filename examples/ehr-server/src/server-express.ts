import { countersignExpress } from '@countersign/express';
import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import session from 'express-session';
import { carriesCsrfToken, createCsrfToken, csrfField } from './accounts/csrf-token.ts';
import { principalOf, type SignedIn } from './accounts/signed-in.ts';
import type { Ehr } from './ehr.ts';
import { describeAppointment, describeEdit } from './policy/guarded-record.ts';
import { loggable } from './routes/faults.tsx';
import { type Reply, seeOther } from './routes/reply.ts';
import { signInPath } from './routes/return-path.ts';
import type { Visit } from './routes/visit.ts';
import { listen, type RunningServer } from './running-server.ts';
import { bodyLimit, sessionCookie, sessionCookieName } from './session-cookie.ts';

declare module 'express-session' {
  interface SessionData {
    csrf?: string;
    signedIn?: SignedIn;
  }
}

export async function serveExpress(ehr: Ehr): Promise<RunningServer> {
  const { countersign, environment, signIn, clinic, api, fhir, demo, fault } = ehr;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  if (environment.publicUrl.startsWith('https:')) app.set('trust proxy', 'loopback');

  app.use(
    session({
      secret: ehr.sessionSecret,
      name: sessionCookieName,
      cookie: sessionCookie(environment.publicUrl),
      rolling: false,
      resave: false,
      saveUninitialized: false,
    }),
    express.urlencoded({ extended: false, limit: bodyLimit }),
    express.json({ limit: bodyLimit }),
  );

  const stepUp = countersignExpress({
    countersign,
    identify: ({ session: { signedIn: person, id } }: Request) =>
      person === undefined ? null : principalOf(person, id),
    signIn: signInPath,
    // A form that meets an expired grace period is sent again with a token of now.
    csrf: { field: csrfField, token: ({ native }) => csrfOf(native as Request) },
    theme: { organisation: 'Example EHR' },
    onFault: (error) => ehr.log.error(loggable(error), 'A step-up failed'),
    notFound: (request, response) => send(response as Response, nothingAt(request)),
  });
  app.use(stepUp.router);

  const send = (response: Response, { status, headers, body }: Reply) => {
    response.status(status).set(headers).end(body);
  };
  const csrfOf = (request: Request) => (request.session.csrf ??= createCsrfToken());
  const visitOf = (request: Request): Visit | null => {
    const { signedIn } = request.session;
    if (signedIn === undefined) return null;
    const filter: Visit['filter'] = async (list) => {
      const principal = await request.stepUp.identify();
      return principal === null
        ? { visible: [], withheld: list }
        : countersign.filter(principal, list, describeAppointment);
    };
    return { signedIn, csrf: csrfOf(request), emergencyAccess: request.stepUp.emergencyAccess, filter };
  };
  const visit = (request: Request): Visit => {
    const found = visitOf(request);
    if (found === null) throw Object.assign(new Error('Nobody is signed in.'), { statusCode: 401 });
    return found;
  };
  const nothingAt = (request: Request): Reply =>
    /^\/(api|fhir)\//i.test(request.originalUrl) ? fault(404, request.originalUrl) : clinic.notFound(visitOf(request));
  const idOf = (request: Request) => String(request.params.id);

  for (const name of ehr.assetNames)
    app.get(`/assets/${name}`, (_request, response) => send(response, ehr.asset(name)));
  if (demo !== null) {
    app.get('/demo/accounts.json', (_request, response) => send(response, demo.accounts()));
    app.get('/demo/messages', (_request, response) => send(response, demo.messages()));
    app.get('/demo/authenticator', async (request, response) =>
      send(response, await demo.authenticator(request.query)),
    );
  }

  const csrf: RequestHandler = (request, response, next) =>
    carriesCsrfToken(request.body, request.session.csrf) ? next() : send(response, fault(403, request.originalUrl));
  const signedIn: RequestHandler = (request, response, next) => {
    if (request.session.signedIn !== undefined) return next();
    if (/^\/(api|fhir)\//i.test(request.originalUrl)) return send(response, fault(401, request.originalUrl));
    const back = request.method === 'GET' ? request.originalUrl : '/';
    return send(response, seeOther(signInPath(back)));
  };

  app.get('/sign-in', (request, response) => send(response, signIn.form(csrfOf(request), request.query)));
  app.post('/sign-in', csrf, async (request, response) => {
    const attempt = await signIn.attempt(csrfOf(request), request.body);
    if ('refused' in attempt) return send(response, attempt.refused);
    // A new session id and a new token: what was known before the sign-in is worth nothing after it.
    await settled((done) => request.session.regenerate(done));
    request.session.csrf = createCsrfToken();
    request.session.signedIn = attempt.signedIn;
    return send(response, seeOther(attempt.returnTo));
  });
  app.post('/sign-out', csrf, async (request, response) => {
    await request.stepUp.signOut();
    await settled((done) => request.session.destroy(done));
    send(response, seeOther('/sign-in'));
  });

  const appointment = async (request: Request) => {
    const found = await ehr.records.appointment(idOf(request));
    return found === null ? null : describeAppointment(found);
  };
  const view = stepUp.requireStepUp('*', { resource: appointment });
  const edit = stepUp.requireStepUp('*', {
    resource: appointment,
    target: (request, _principal, current) => describeEdit(current, request.body),
  });

  app.get('/', signedIn, async (request, response) =>
    send(response, await clinic.schedule(visit(request), request.query)),
  );
  app.get('/appointments/:id', signedIn, view, (request, response) =>
    send(response, clinic.appointment(visit(request), view.resource(request), request.query)),
  );
  app.get('/appointments/:id/edit', signedIn, edit, async (request, response) =>
    send(response, await clinic.editAppointment(visit(request), edit.resource(request))),
  );
  app.post('/appointments/:id', signedIn, csrf, edit, async (request, response) =>
    send(response, await clinic.saveAppointment(visit(request), edit.resource(request), request.body)),
  );
  app.get('/patients/:id', signedIn, async (request, response) =>
    send(response, await clinic.patient(visit(request), idOf(request))),
  );

  app.get('/api/appointments', signedIn, async (request, response) =>
    send(response, await api.listAppointments(visit(request).filter, request.query)),
  );
  app.get('/api/appointments/:id', signedIn, view, (request, response) =>
    send(response, api.readAppointment(view.resource(request))),
  );
  app.put('/api/appointments/:id', signedIn, edit, async (request, response) =>
    send(response, await api.replaceAppointment(edit.resource(request), request.body)),
  );

  app.get('/fhir/Appointment', signedIn, async (request, response) =>
    send(response, await fhir.searchAppointments(visit(request).filter, request.query)),
  );
  app.get('/fhir/Appointment/:id', signedIn, view, (request, response) =>
    send(response, fhir.readAppointment(view.resource(request))),
  );
  app.get('/fhir/Patient/:id', signedIn, async (request, response) =>
    send(response, await fhir.readPatient(idOf(request))),
  );

  app.use((request, response) => send(response, nothingAt(request)));
  app.use(stepUp.errors);
  app.use((error: Error & { statusCode?: number }, request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) return next(error);
    const status = error.statusCode ?? 500;
    if (status >= 500) ehr.log.error(loggable(error), 'A request failed');
    return send(response, fault(status, request.originalUrl));
  });

  return listen(app, environment.port, environment.host);
}

function settled(start: (done: (error: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => start((error) => (error ? reject(error) : resolve())));
}
