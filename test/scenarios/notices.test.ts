/**
 * People learn by mail what happened to their factors, over a real SMTP server: the right person, in their language, and nothing
 * that would help a reader of the mailbox. Mail that fails holds up nothing, and ends on the audit log.
 */

import { CountersignError, type ErrorCode, type MailSender, recoveryCodes, totp } from '@countersign/core';
import { smtpMail } from '@countersign/mail';
import t, { type Test } from 'tap';
import type { Client } from '../support/client.ts';
import { type Host, startHost } from '../support/hosts.ts';
import { startMailServer } from '../support/mail-server.ts';
import { until } from '../support/until.ts';

const contacts = {
  async contactOf(_workspaceId: string, userId: string) {
    if (userId === 'nobody') return null;
    return { email: `${userId}@example.org`, ...(userId === 'ana' ? { language: 'es-MX' } : {}) };
  },
  administrators: async () => ['root', 'ruth', 'rex'],
};
const from = 'Example EHR <no-reply@ehr.example.org>';

async function hostWith(mail: MailSender): Promise<Host> {
  return await startHost('fastify', {
    countersign: {
      factors: [totp({ issuer: 'Example EHR' }), recoveryCodes()],
      notices: { mail, contacts },
      attempts: { perWindow: 3 },
    },
  });
}

/** Answers what a request was refused for, and sends it again. */
async function withStepUp(
  host: Host,
  { client, secret }: { readonly client: Client; readonly secret: string },
  send: () => ReturnType<Client['get']>,
) {
  const refused = await send();
  if (refused.status !== 401) return refused;
  host.clock.set(30);
  const json = { challengeId: refused.json().challengeId, factor: 'totp', code: host.code(secret) };
  const answer = await client.post('/api/v1/auth/mfa/verify', { json });
  if (answer.status !== 200) throw new Error(`Not passed: ${answer.status} ${answer.text}`);
  return await send();
}

t.test('each change of factors is told to its owner', async (t) => {
  const server = await startMailServer();
  const mail = smtpMail({ host: 'localhost', port: server.port, from });
  const host = await hostWith(mail);
  const told = async (count: number) => {
    await until(() => server.mails.length >= count);
    t.equal(server.mails.length, count, `${count} mails by now`);
    const last = server.mails[count - 1];
    if (last === undefined) throw new Error('No mail');
    return last;
  };

  const ana = await host.enrolled('ana');
  const enrolled = await told(1);
  t.strictSame(enrolled.to, ['ana@example.org']);
  t.match(enrolled.headers, {
    from: /no-reply@ehr\.example\.org/,
    to: 'ana@example.org',
    subject: 'Se añadió un segundo factor a su cuenta',
    'auto-submitted': 'auto-generated',
    'content-type': /^text\/plain/,
  });
  t.match(enrolled.text, 'aplicación de autenticación');
  t.match(enrolled.text, 'Cuándo: 2026-03-02 09:00 UTC');

  const made = await withStepUp(host, ana, () =>
    ana.client.post('/api/v1/auth/mfa/enroll', { json: { factor: 'recovery-codes' } }),
  );
  t.equal(made.status, 201, made.text);
  const codes = made.json().codes as string[];
  t.match((await told(2)).headers.subject, 'Se crearon códigos de recuperación');

  host.clock.advance(901);
  const { challengeId } = (await ana.client.get('/visits/v1')).json();
  const json = { challengeId, factor: 'recovery-codes', code: codes[0] };
  t.equal((await ana.client.post('/api/v1/auth/mfa/verify', { json })).status, 200);
  const used = await told(3);
  t.match(used.headers.subject, 'Se usó un código de recuperación');
  t.match(used.text, `Códigos restantes: ${codes.length - 1}`);

  const root = await host.enrolled('root', { roles: ['administrator'] });
  t.match((await told(4)).headers, { to: 'root@example.org', subject: 'A second factor was added to your account' });
  const issued = await withStepUp(host, root, () =>
    root.client.post('/api/v1/admin/users/ana/enrolment-code', { json: { reason: 'Ana has a new phone' } }),
  );
  t.equal(issued.status, 201, issued.text);
  t.match((await told(5)).headers, { to: 'ana@example.org', subject: /código de registro/ });

  const reset = await withStepUp(host, root, () =>
    root.client.post('/api/v1/admin/users/ana/reset', { json: { factor: 'totp', reason: 'Ana has lost her phone' } }),
  );
  t.equal(reset.status, 200, reset.text);
  const resetMail = await told(6);
  t.match(resetMail.headers, { to: 'ana@example.org', subject: 'Se restableció un segundo factor de su cuenta' });
  t.match(resetMail.text, 'Por: un administrador');

  const secrets = [
    ana.secret,
    root.secret,
    String(issued.json().code),
    ...codes,
    'p1',
    'v1',
    'Ketamine',
    'lost her phone',
  ];
  for (const { text, headers } of server.mails) {
    for (const secret of secrets) t.notOk(`${JSON.stringify(headers)}${text}`.includes(secret), 'nothing secret');
    t.notMatch(text, /https?:/, 'and no link to learn to follow');
  }
  t.strictSame(
    (await host.events()).filter(({ code }) => code === 'NOTICE_FAILED'),
    [],
  );
  await host.close();
  mail.close();
});

t.test('a removed factor, and one that somebody guesses at', async (t) => {
  const server = await startMailServer();
  const host = await hostWith(smtpMail({ host: 'localhost', port: server.port, from }));
  const bob = await host.enrolled('bob');
  const codes = await withStepUp(host, bob, () =>
    bob.client.post('/api/v1/auth/mfa/enroll', { json: { factor: 'recovery-codes' } }),
  );
  t.equal(codes.status, 201, codes.text);
  const { factors } = (await bob.client.get('/api/v1/auth/mfa/factors')).json() as {
    factors: { id: string; factor: string }[];
  };
  const id = factors.find(({ factor }) => factor === 'recovery-codes')?.id;
  const removed = await withStepUp(host, bob, () =>
    bob.client.send('DELETE', `/api/v1/auth/mfa/factors/${id}`, { headers: { 'sec-fetch-site': 'same-origin' } }),
  );
  t.equal(removed.status, 200, removed.text);
  await until(() => server.mails.length >= 3);
  t.match(server.mails[2]?.headers.subject, 'A second factor was removed from your account');
  t.match(server.mails[2]?.text, 'recovery codes');

  host.clock.advance(901);
  const { challengeId } = (await bob.client.get('/visits/v1')).json();
  for (let count = 0; count < 3; count++) {
    const json = { challengeId, factor: 'totp', code: host.wrongCode(bob.secret) };
    await bob.client.post('/api/v1/auth/mfa/verify', { json });
    host.clock.advance(60);
    if (server.mails.length > 3) break;
  }
  await until(() => server.mails.length >= 4);
  t.match(server.mails[3]?.headers, { to: 'bob@example.org', subject: /locked for a while/ });
  await host.close();
});

t.test('a server that refuses for now is asked again', async (t) => {
  const server = await startMailServer();
  server.refusals.push(451);
  const host = await hostWith(smtpMail({ host: 'localhost', port: server.port, from }));
  await host.enrolled('bob');
  await until(() => server.mails.length === 1);
  t.equal(server.tries, 2);
  t.strictSame(
    (await host.events()).filter(({ code }) => code === 'NOTICE_FAILED'),
    [],
  );
  await host.close();
});

async function failures(host: Host): Promise<readonly unknown[]> {
  let found: readonly unknown[] = [];
  await until(async () => {
    const events = (await host.events()).filter(({ code }) => code === 'NOTICE_FAILED');
    found = events.map(({ outcome, userId, factor, reason, details }) => [outcome, userId, factor, reason, details]);
    return found.length > 0;
  });
  return found;
}

t.test('one that refuses for good is not, and the audit log says who was not told', async (t) => {
  const server = await startMailServer();
  server.refusals.push(550);
  const host = await hostWith(smtpMail({ host: 'localhost', port: server.port, from }));
  const { client } = await host.enrolled('bob');
  t.strictSame(await failures(host), [['failure', 'bob', 'totp', 'mail-refused', '{"kind":"factor-enrolled"}']]);
  t.equal(server.tries, 1);
  t.notMatch(JSON.stringify(await host.events()), 'bob@example.org', 'and not the address');
  t.equal((await client.get('/api/v1/auth/mfa/factors')).json().factors?.constructor, Array, 'what happened, happened');
  await host.close();
});

t.test('somebody without an address', async (t) => {
  const server = await startMailServer();
  const host = await hostWith(smtpMail({ host: 'localhost', port: server.port, from }));
  await host.enrolled('nobody');
  t.strictSame(await failures(host), [['failure', 'nobody', 'totp', 'no-contact', '{"kind":"factor-enrolled"}']]);
  await host.close();
});

const mailTo = (to: string) => ({ to, subject: 'A subject', text: 'A text\n' });

async function failsWith(t: Test, sending: Promise<void>, code: ErrorCode, not: RegExp): Promise<void> {
  const error = await sending.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!CountersignError.is(error)) return t.fail(`no error of ours: ${error}`) as never;
  t.equal(error.code, code);
  t.notMatch(`${error.stack} ${error.cause instanceof Error ? error.cause.stack : error.cause}`, not);
}

t.test('a certificate that nobody vouches for is refused, and so is a server without TLS', async (t) => {
  // Its own self-signed certificate, for localhost.
  const selfSigned = await startMailServer({ disabledCommands: ['AUTH'] });
  const plain = await startMailServer();
  const offered = smtpMail({ host: 'localhost', port: selfSigned.port, from });
  await failsWith(t, offered.send(mailTo('bob@example.org')), 'mail_unavailable', /bob|127\.0\.0\.1/);
  const required = smtpMail({ host: 'localhost', port: plain.port, from, startTls: 'required' });
  await failsWith(t, required.send(mailTo('bob@example.org')), 'mail_unavailable', /bob/);
  // By its number, this machine is as near as by its name; anything else is not.
  const elsewhere = smtpMail({ host: '127.0.0.2', port: plain.port, from });
  await failsWith(t, elsewhere.send(mailTo('bob@example.org')), 'mail_unavailable', /bob/);
  t.equal(selfSigned.tries + plain.tries, 0, 'nobody was named');
});

t.test('what the server says of addresses and passwords goes no further', async (t) => {
  const refusing = await startMailServer();
  refusing.refusals.push(550, 451);
  const mail = smtpMail({ host: 'localhost', port: refusing.port, from });
  await failsWith(t, mail.send(mailTo('bob@example.org')), 'mail_refused', /bob@/);
  await failsWith(t, mail.send(mailTo('bob@example.org')), 'mail_unavailable', /bob@/);

  const guarded = await startMailServer({
    disabledCommands: ['STARTTLS'],
    authOptional: false,
    allowInsecureAuth: true,
    onAuth: ({ username, password }, _session, callback) => callback(new Error(`${username} is not ${password}`)),
  });
  const auth = { user: 'mailer', pass: 'correct horse' };
  const signedIn = smtpMail({ host: 'localhost', port: guarded.port, from, auth });
  await failsWith(t, signedIn.send(mailTo('bob@example.org')), 'mail_unavailable', /correct horse|mailer|bob@/);
});

t.test('an address is one address', async (t) => {
  const server = await startMailServer();
  const mail = smtpMail({ host: 'localhost', port: server.port, from });
  for (const to of [
    'bob@example.org, eve@example.org',
    'bob@example.org\r\nBcc: eve@example.org',
    'Bob <bob@example.org>',
    'bob',
    '',
    `${'b'.repeat(250)}@example.org`,
  ]) {
    await failsWith(t, mail.send(mailTo(to)), 'mail_refused', /eve/);
  }
  t.equal(server.tries, 0);
  await mail.send({ ...mailTo('bob@example.org'), subject: 'A subject\r\nBcc: eve@example.org' });
  t.strictSame(server.mails[0]?.to, ['bob@example.org'], 'nor does a subject make two of it');
  t.notOk(server.mails[0]?.headers.bcc);
  mail.close();
  await failsWith(t, mail.send(mailTo('bob@example.org')), 'mail_unavailable', /bob@/);
});

t.test('a transport of the host’s own', async (t) => {
  const sent: unknown[] = [];
  const mail = smtpMail({ from, transport: { sendMail: async (message) => void sent.push(message) } });
  await mail.send(mailTo('bob@example.org'));
  t.match(sent, [{ from, to: { address: 'bob@example.org' }, subject: 'A subject' }]);
});

t.test('options are checked at the start', async (t) => {
  const good = { host: 'smtp.example.org', from };
  t.ok(smtpMail(good));
  const faults: readonly [object, RegExp][] = [
    [{ host: '' }, /smtpMail\.host/],
    [{ port: 0 }, /smtpMail\.port/],
    [{ from: 'Example EHR' }, /smtpMail\.from/],
    [{ from: 'a@example.org\r\nBcc: eve@example.org' }, /smtpMail\.from/],
    [{ timeoutSeconds: 0 }, /smtpMail\.timeoutSeconds/],
    [{ startTls: 'never' }, /smtpMail\.startTls/],
    [{ startTls: 'offered', auth: { user: 'mailer', pass: 'correct horse' } }, /^(?!.*horse).*smtpMail\.startTls/],
  ];
  for (const [changes, message] of faults)
    t.throws(() => smtpMail({ ...good, ...changes }), { code: 'configuration_invalid', message });
});
