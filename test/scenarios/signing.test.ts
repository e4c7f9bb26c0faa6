// An order is signed: the person sees exactly what they approve, with two factors, for this one order. Another wording or another
// content is another order (DEA 21 CFR 1311.120).
import {
  type OperationSummary,
  operationDigest,
  operationSummary,
  passkey,
  StepUpRequiredError,
  totp,
} from '@countersign/core';
import { requireStepUp } from '@countersign/fastify';
import { auditStory, codesOf } from '../support/audit-story.ts';
import type { Answer } from '../support/client.ts';
import {
  type AdapterName,
  type Host,
  type HostOptions,
  type HostRoutes,
  onEveryAdapter,
  startHost,
} from '../support/hosts.ts';
import { formTo, sendForm } from '../support/page-form.ts';
import { answerByPasskey, enrolPasskey } from '../support/passkey-person.ts';

const PASSWORD = 'correct horse battery staple';

/** What the orders' guard says of a body; `wording` stands for a record that changes meanwhile. */
const wording = { title: 'Prescription' };
const summaryOf = (body: unknown): OperationSummary | null => {
  const { drug, dose, draft } = (body ?? {}) as { drug?: string; dose?: string; draft?: unknown };
  if (draft !== undefined) return null;
  return {
    title: wording.title,
    lines: [
      { label: 'Drug <b>', value: drug ?? '' },
      { label: 'Dose', value: dose ?? '' },
    ],
  };
};

/** What the guard of `/given/:patientId` says is approved. */
const given: Record<string, unknown> = {};

const orders: HostRoutes = {
  fastify(app) {
    const guard = requireStepUp('*', { approval: (request) => summaryOf(request.body) });
    app.post('/patients/:patientId/orders', { preHandler: guard }, async (request, reply) =>
      reply.code(201).send({ signed: request.stepUp.decision?.outcome === 'allow' && request.stepUp.decision.basis }),
    );
    const any = requireStepUp('*', { approval: () => given.summary as OperationSummary });
    app.post('/given/:patientId', { preHandler: any }, async () => ({ done: true }));
    app.post('/resolved', async (request) => {
      await request.stepUp.enforce(demandOf(request.body));
      return { done: true };
    });
  },
  express(app, { requireStepUp, guarded }) {
    const guard = requireStepUp('*', { approval: async (request) => summaryOf(request.body) });
    app.post('/patients/:patientId/orders', guard as never, (request, response) => {
      const decision = request.stepUp.decision;
      response.status(201).json({ signed: decision?.outcome === 'allow' && decision.basis });
    });
    const any = requireStepUp('*', { approval: () => given.summary as OperationSummary });
    app.post('/given/:patientId', any as never, (_request, response) => void response.json({ done: true }));
    app.post(
      '/resolved',
      guarded(async (request, response) => {
        await request.stepUp?.enforce(demandOf((request as { body?: unknown }).body));
        response.setHeader('content-type', 'application/json');
        response.end('{"done":true}');
      }) as never,
    );
  },
};

const demandOf = (body: unknown) => ({
  workspaceId: 'clinic',
  patientId: 'p1',
  categories: ['1'],
  action: 'order',
  operation: { name: 'sign order', content: body },
  approval: summaryOf(body),
});

const start = (adapter: AdapterName, countersign: HostOptions['countersign'] = {}) =>
  startHost(adapter, {
    routes: orders,
    countersign: {
      factors: [passkey(), totp({ issuer: 'Example EHR' })],
      checkPassword: (_user, password) => password === PASSWORD,
      ...countersign,
    },
  });

/** By an administrator who confirms it. */
async function exemptClinicians(host: Host): Promise<void> {
  const { secret } = await host.enrolled('admin', { roles: ['administrator'] });
  const { countersign, clock } = host;
  const admin = countersign.principalOf({
    userId: 'admin',
    workspaceId: 'clinic',
    roles: ['administrator'],
    displayName: 'admin',
    signedInAt: new Date(clock.now()),
    sessionKey: 'of the administrator',
    credential: 'bearer',
  });
  const change = () =>
    countersign.administration.changeSettings(admin, 0, {
      enabled: true,
      categories: ['5'],
      graceSeconds: 900,
      exemptions: [{ kind: 'role', value: 'clinician' }],
    });
  const refused = await change().catch((error: StepUpRequiredError) => error);
  const challengeId = refused instanceof StepUpRequiredError ? (refused.challenge?.id ?? '') : '';
  const answer = { code: host.code(secret), password: PASSWORD };
  await countersign.answerChallenge(admin, challengeId, 'totp', answer);
  await change();
}

const order = { drug: 'Zolpidem 5 mg', dose: '1–0–0–1' };
const PATH = '/patients/p1/orders';
const idOf = (answer: Answer): string => String(answer.json().challengeId);

onEveryAdapter('operations that are signed', async (t, adapter) => {
  const host = await start(adapter);

  await t.test('an order is signed by what is shown, with two factors, once', async (t) => {
    const { client, secret } = await host.enrolled('carol');
    const verify = (challengeId: string, more: object) => {
      host.clock.set(30);
      return client.post('/api/v1/auth/mfa/verify', { json: { challengeId, code: host.code(secret), ...more } });
    };
    const story = await auditStory(host);

    const asked = await client.post(PATH, { json: order });
    t.equal(asked.status, 401);
    t.match(asked.json(), { code: 'step_up_required', reasons: [{ strength: 'multi-factor', graceSeconds: 0 }] });
    const described = await client.get(`/api/v1/auth/mfa/challenges/${idOf(asked)}`);
    t.equal(described.status, 200, described.text);
    t.strictSame(described.json().summary, summaryOf(order), 'exactly, for front ends');
    t.match(described.json(), { strength: 'multi-factor', factors: [{ factor: 'totp', withPassword: true }] });
    const page = await client.get(`/step-up/challenge/${idOf(asked)}`, { page: true });
    t.match(page.text, 'By confirming you approve exactly this:');
    for (const shown of ['>Prescription<', '>Drug &lt;b><', '>Zolpidem 5 mg<', '>Dose<', '>1–0–0–1<'])
      t.match(page.text, shown, 'exactly, on the page');

    t.match((await verify(idOf(asked), {})).json(), { code: 'password_required' }, 'a code alone is too weak');
    t.equal((await verify(idOf(asked), { password: 'a guess' })).status, 422);
    t.equal((await client.post(PATH, { json: order })).status, 401, 'nothing was granted');
    t.equal((await verify(idOf(asked), { password: PASSWORD })).status, 200);
    const signed = await client.post(PATH, { json: order });
    t.equal(signed.status, 201);
    t.match(signed.json(), { signed: 'one-shot' });
    t.equal((await client.post(PATH, { json: order })).status, 401, 'one proof, one order');

    const events = await story.next();
    t.strictSame(codesOf(events), [
      'MFA_REQUIRED',
      'MFA_FAILURE',
      'MFA_FAILURE',
      'MFA_REQUIRED',
      'MFA_SUCCESS',
      'ACCESS_ALLOWED',
      'MFA_REQUIRED',
    ]);
    const approved = operationDigest({
      name: `POST ${PATH}`,
      contentType: 'application/json',
      content: order,
      summary: operationSummary(summaryOf(order)),
    });
    for (const code of ['MFA_SUCCESS', 'ACCESS_ALLOWED']) {
      const event = events.find((one) => one.code === code);
      t.match(JSON.parse(event?.details ?? '{}'), { approved }, `${code} names what was signed by its digest`);
    }
    t.notMatch(JSON.stringify(events), /Zolpidem|Prescription/, 'and no event by its content');
    t.equal((await client.post(PATH, { json: { ...order, draft: true } })).status, 401, 'null: an ordinary request');
  });

  await t.test('what has changed is asked for anew, with what it is now', async (t) => {
    const { client, secret } = await host.enrolled('dave');
    const first = idOf(await client.post(PATH, { json: order }));
    t.equal(idOf(await client.post(PATH, { json: { dose: order.dose, drug: order.drug } })), first, 'the same order');
    host.clock.set(30);
    const json = { challengeId: first, code: host.code(secret), password: PASSWORD };
    t.equal((await client.post('/api/v1/auth/mfa/verify', { json })).status, 200);

    const other = await client.post(PATH, { json: { ...order, dose: '2–0–0–2' } });
    t.equal(other.status, 401, 'another content');
    t.not(idOf(other), first);
    const described = await client.get(`/api/v1/auth/mfa/challenges/${idOf(other)}`);
    t.match(described.json(), { summary: { lines: [{}, { value: '2–0–0–2' }] } }, 'shown as it is now');

    wording.title = 'Prescription, corrected';
    t.teardown(() => {
      wording.title = 'Prescription';
    });
    const reworded = await client.post(PATH, { json: order });
    t.equal(reworded.status, 401, 'another summary of the same content');
    t.match((await client.get(`/step-up/challenge/${idOf(reworded)}`, { page: true })).text, 'Prescription, corrected');
    wording.title = 'Prescription';
    t.equal((await client.post('/patients/p2/orders', { json: order })).status, 401, 'another patient');
    t.equal((await client.post(PATH, { json: order })).status, 201, 'the one that was signed');

    const hugh = await host.signedIn('hugh');
    const device = await enrolPasskey(host, hugh);
    const byPasskey = idOf(await hugh.post(PATH, { json: order }));
    t.equal((await answerByPasskey(host, hugh, device, byPasskey)).status, 200, 'a passkey is two factors by itself');
    t.equal((await hugh.post(PATH, { json: order })).status, 201);
    t.equal((await hugh.post(PATH, { json: order })).status, 401, 'once');
  });

  await t.test('a form is signed and sent again as it was', async (t) => {
    const { client, secret } = await host.enrolled('erin');
    const fields = Object.entries(order);
    const asked = await sendForm(client, { action: PATH, fields });
    t.equal(asked.status, 401);
    t.match(asked.text, 'By confirming you approve exactly this:');
    const form = formTo(asked.text, '/step-up/challenge/');
    host.clock.set(30);
    const weak = await sendForm(client, form, { code: host.code(secret) });
    t.equal(weak.status, 400);
    t.match(weak.text, 'By confirming you approve exactly this:', 'shown again');
    const confirmed = await sendForm(client, formTo(weak.text, '/step-up/challenge/'), {
      code: host.code(secret),
      password: PASSWORD,
    });
    t.equal(confirmed.status, 200, confirmed.text);
    const sent = await sendForm(client, formTo(confirmed.text, PATH));
    t.equal(sent.status, 201);
  });

  await t.test('a summary out of bounds is the host’s mistake, and lets nothing pass', async (t) => {
    const lines = (count: number) => Array.from({ length: count }, () => ({ label: 'a', value: '' }));
    const { client } = await host.enrolled('fred');
    const post = async (summary: unknown) => {
      given.summary = summary;
      return await client.post('/given/p1', { json: {} });
    };
    const least = {
      title: 'x'.repeat(200),
      lines: [{ label: 'x'.repeat(100), value: 'é'.repeat(2000) }, ...lines(49)],
    };
    t.equal((await post(least)).status, 401, 'up to the bounds');
    for (const [what, summary] of Object.entries({
      'a long title': { title: 'x'.repeat(201), lines: [] },
      'no title': { title: ' ', lines: [] },
      'too many lines': { title: 'x', lines: lines(51) },
      'a long label': { title: 'x', lines: [{ label: 'x'.repeat(101), value: '' }] },
      'a long value': { title: 'x', lines: [{ label: 'a', value: 'x'.repeat(2001) }] },
      'a line break': { title: 'x', lines: [{ label: 'a', value: 'one\ntwo' }] },
      'an escape': { title: 'x\u001b[2J', lines: [] },
      'a line separator': { title: 'x', lines: [{ label: 'a', value: '\u2028' }] },
      'half a character': { title: 'x', lines: [{ label: 'a', value: '\ud83e' }] },
      'a number': { title: 'x', lines: [{ label: 'a', value: 5 }] },
      'no lines': { title: 'x' },
      'a list': [],
      'a text': 'x',
      false: false,
    })) {
      const answer = await post(summary);
      t.equal(answer.status, 500, what);
      t.match(answer.json(), { code: 'resource_invalid' });
    }
  });

  await t.test('nobody is exempt from signing, and a resolver can ask for it', async (t) => {
    const off = await start(adapter, { defaults: { enabled: false } });
    const { client: free } = await off.enrolled('carol');
    t.equal((await free.get('/visits/v1')).status, 200, 'step-up is off in this workspace');
    t.equal((await free.post(PATH, { json: order })).status, 401, 'and an order is signed all the same');
    await off.close();

    const { client, secret } = await host.enrolled('gina');
    await exemptClinicians(host);
    t.equal((await client.get('/visits/v1')).status, 200, 'exempt by her role');
    t.equal((await client.post(PATH, { json: order })).status, 401, 'and asked all the same');

    const asked = await client.post('/resolved', { json: order });
    t.equal(asked.status, 401);
    const described = await client.get(`/api/v1/auth/mfa/challenges/${idOf(asked)}`);
    t.strictSame(described.json().summary, summaryOf(order));
    host.clock.set(30);
    const json = { challengeId: idOf(asked), code: host.code(secret), password: PASSWORD };
    t.equal((await client.post('/api/v1/auth/mfa/verify', { json })).status, 200);
    t.equal((await client.post('/resolved', { json: { ...order, dose: 'more' } })).status, 401);
    t.equal((await client.post('/resolved', { json: order })).status, 200);
    t.equal((await client.post('/resolved', { json: order })).status, 401, 'once');

    const strict = await startHost(adapter, {
      routes: orders,
      countersign: { factors: [totp({ issuer: 'Example EHR' })], signing: { strength: 'multi-factor' } },
    });
    const { client: weak } = await strict.enrolled('dave');
    const none = await weak.post(PATH, { json: order });
    t.equal(none.status, 403, 'an authenticator app alone cannot sign');
    t.match(none.json(), { code: 'factor_required' });
    await strict.close();
  });
  t.strictSame(
    host.faults.map(({ code }) => code).filter((code) => code !== 'resource_invalid'),
    [],
  );
  await host.close();
});
