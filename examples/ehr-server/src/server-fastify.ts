import { countersignFastify, requireStepUp } from '@countersign/fastify';
import cookie from '@fastify/cookie';
import formbody from '@fastify/formbody';
import session from '@fastify/session';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { carriesCsrfToken, createCsrfToken, csrfField } from './accounts/csrf-token.ts';
import { principalOf, type SignedIn } from './accounts/signed-in.ts';
import type { Ehr } from './ehr.ts';
import { describeAppointment, describeEdit } from './policy/guarded-record.ts';
import { loggable } from './routes/faults.tsx';
import { type Reply, seeOther } from './routes/reply.ts';
import { signInPath } from './routes/return-path.ts';
import type { Visit } from './routes/visit.ts';
import type { RunningServer } from './running-server.ts';
import { bodyLimit, sessionCookie, sessionCookieName } from './session-cookie.ts';

declare module 'fastify' {
  interface Session {
    csrf?: string;
    signedIn?: SignedIn;
  }
}
type ById = { Params: { id: string } };

export async function serveFastify(ehr: Ehr): Promise<RunningServer> {
  const { countersign, environment, signIn, clinic, api, fhir, demo, fault } = ehr;
  const app = fastify({
    bodyLimit,
    // Such as an address with a malformed escape: no route is asked, so neither is the error handler below.
    frameworkErrors: (_error, request, reply) => void send(reply as FastifyReply, fault(400, request.url)),
  });

  await app.register(cookie);
  await app.register(session, {
    secret: ehr.sessionSecret,
    cookieName: sessionCookieName,
    cookie: sessionCookie(environment.publicUrl),
    rolling: false,
    saveUninitialized: false,
  });
  await app.register(formbody);
  await app.register(countersignFastify, {
    countersign,
    identify: ({ session: { signedIn: person, sessionId } }) =>
      person === undefined ? null : principalOf(person, sessionId),
    signIn: signInPath,
    // A form that meets an expired grace period is sent again with a token of now.
    csrf: { field: csrfField, token: ({ native }) => csrfOf(native as FastifyRequest) },
    theme: { organisation: 'Example EHR' },
    onFault: (error) => ehr.log.error(loggable(error), 'A step-up failed'),
  });

  const send = (reply: FastifyReply, { status, headers, body }: Reply) =>
    reply.code(status).headers(headers).send(body);
  const csrfOf = (request: FastifyRequest) => (request.session.csrf ??= createCsrfToken());
  const visitOf = (request: FastifyRequest): Visit | null => {
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
  const visit = (request: FastifyRequest): Visit => {
    const found = visitOf(request);
    if (found === null) throw Object.assign(new Error('Nobody is signed in.'), { statusCode: 401 });
    return found;
  };

  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) ehr.log.error(loggable(error), 'A request failed');
    return send(reply, fault(status, request.url));
  });
  app.setNotFoundHandler((request, reply) =>
    send(reply, /^\/(api|fhir)\//i.test(request.url) ? fault(404, request.url) : clinic.notFound(visitOf(request))),
  );

  for (const name of ehr.assetNames) app.get(`/assets/${name}`, (_request, reply) => send(reply, ehr.asset(name)));
  if (demo !== null) {
    app.get('/demo/accounts.json', (_request, reply) => send(reply, demo.accounts()));
    app.get('/demo/authenticator', async (request, reply) => send(reply, await demo.authenticator(request.query)));
    app.get('/demo/messages', (_request, reply) => send(reply, demo.messages()));
  }

  app.get('/sign-in', (request, reply) => send(reply, signIn.form(csrfOf(request), request.query)));
  app.post('/sign-in', async (request, reply) => {
    if (!carriesCsrfToken(request.body, request.session.csrf)) return send(reply, fault(403, request.url));
    const attempt = await signIn.attempt(csrfOf(request), request.body);
    if ('refused' in attempt) return send(reply, attempt.refused);
    // A new session id and a new token: what was known before the sign-in is worth nothing after it.
    await request.session.regenerate();
    request.session.csrf = createCsrfToken();
    request.session.signedIn = attempt.signedIn;
    return send(reply, seeOther(attempt.returnTo));
  });
  app.post('/sign-out', async (request, reply) => {
    if (!carriesCsrfToken(request.body, request.session.csrf)) return send(reply, fault(403, request.url));
    await request.stepUp.signOut();
    await request.session.destroy();
    return send(reply, seeOther('/sign-in'));
  });

  await app.register(async (records) => {
    records.addHook('onRequest', async (request, reply) => {
      if (request.session.signedIn !== undefined) return;
      if (/^\/(api|fhir)\//i.test(request.url)) return send(reply, fault(401, request.url));
      const back = request.method === 'GET' ? request.url : '/';
      return send(reply, seeOther(signInPath(back)));
    });

    const appointment = async (request: FastifyRequest) => {
      const found = await ehr.records.appointment((request as FastifyRequest<ById>).params.id);
      return found === null ? null : describeAppointment(found);
    };
    const view = requireStepUp('*', { resource: appointment });
    const edit = requireStepUp('*', {
      resource: appointment,
      target: (request, _principal, current) => describeEdit(current, request.body),
    });
    const csrf = async (request: FastifyRequest, reply: FastifyReply) =>
      carriesCsrfToken(request.body, request.session.csrf) ? undefined : send(reply, fault(403, request.url));

    records.get('/', async (request, reply) => send(reply, await clinic.schedule(visit(request), request.query)));
    records.get<ById>('/appointments/:id', { preHandler: view }, (request, reply) =>
      send(reply, clinic.appointment(visit(request), view.resource(request), request.query)),
    );
    records.get<ById>('/appointments/:id/edit', { preHandler: edit }, async (request, reply) =>
      send(reply, await clinic.editAppointment(visit(request), edit.resource(request))),
    );
    records.post<ById>('/appointments/:id', { preHandler: [csrf, edit] }, async (request, reply) =>
      send(reply, await clinic.saveAppointment(visit(request), edit.resource(request), request.body)),
    );
    records.get<ById>('/patients/:id', async (request, reply) =>
      send(reply, await clinic.patient(visit(request), request.params.id)),
    );

    records.get('/api/appointments', async (request, reply) =>
      send(reply, await api.listAppointments(visit(request).filter, request.query)),
    );
    records.get<ById>('/api/appointments/:id', { preHandler: view }, (request, reply) =>
      send(reply, api.readAppointment(view.resource(request))),
    );
    records.put<ById>('/api/appointments/:id', { preHandler: edit }, async (request, reply) =>
      send(reply, await api.replaceAppointment(edit.resource(request), request.body)),
    );

    records.get('/fhir/Appointment', async (request, reply) =>
      send(reply, await fhir.searchAppointments(visit(request).filter, request.query)),
    );
    records.get<ById>('/fhir/Appointment/:id', { preHandler: view }, (request, reply) =>
      send(reply, fhir.readAppointment(view.resource(request))),
    );
    records.get<ById>('/fhir/Patient/:id', async (request, reply) =>
      send(reply, await fhir.readPatient(request.params.id)),
    );
  });

  await app.listen({ port: environment.port, host: environment.host });
  return { close: () => app.close() };
}
