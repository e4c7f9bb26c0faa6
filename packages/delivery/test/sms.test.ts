/** SMS: the documented request and nothing else, refusals told apart from faults, nothing secret in what is thrown. */
import { createHmac } from 'node:crypto';
import { inspect } from 'node:util';
import t from 'tap';
import { twilioSms } from '../src/twilio-sms.ts';
import { webhookSms } from '../src/webhook-sms.ts';
import { loopbackServer } from './loopback-server.ts';

const NOW = Date.UTC(2026, 2, 2, 9);
const account = { accountSid: 'AC0123456789abcdef0123456789abcdef', authToken: 'a token & more', from: '+14155550100' };
const sms = { to: '+49 (170) 123-4567', text: 'Zoë: 1 + 1 = 2 & more\nsecond line' };

t.test('Twilio: the request that its documentation asks for', async (t) => {
  const { url, requests } = await loopbackServer();
  await twilioSms({ ...account, apiUrl: `${url}/` }).send(sms);
  const [request] = requests;
  t.equal(requests.length, 1);
  t.equal(request?.method, 'POST');
  t.equal(request?.url, '/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json');
  t.equal(request?.headers['content-type'], 'application/x-www-form-urlencoded');
  const [scheme, credentials = ''] = (request?.headers.authorization ?? '').split(' ');
  t.equal(scheme, 'Basic');
  t.equal(Buffer.from(credentials, 'base64').toString(), 'AC0123456789abcdef0123456789abcdef:a token & more');
  t.strictSame(Object.fromEntries(new URLSearchParams(request?.body)), {
    To: '+491701234567',
    Body: sms.text,
    From: '+14155550100',
  });
});

t.test('Twilio: an API key in place of the token, and a messaging service in place of a number', async (t) => {
  const { url, requests } = await loopbackServer();
  const service = 'MG0123456789abcdef0123456789abcdef';
  await twilioSms({ ...account, apiKeySid: 'SK1', from: service, apiUrl: url }).send(sms);
  t.match(requests[0]?.url, account.accountSid);
  t.equal(requests[0]?.headers.authorization, `Basic ${Buffer.from('SK1:a token & more').toString('base64')}`);
  const form = new URLSearchParams(requests[0]?.body);
  t.equal(form.get('MessagingServiceSid'), service);
  t.equal(form.get('From'), null);
});

t.test('a webhook: signed as Standard Webhooks are, over id, time and body', async (t) => {
  const { url, requests } = await loopbackServer((response) => response.writeHead(204).end());
  const key = Buffer.alloc(32, 7);
  for (const secret of [key.toString('base64'), `whsec_${key.toString('base64')}`]) {
    await webhookSms({ url: `${url}/sms?x=1`, secret, clock: { now: () => NOW } }).send(sms);
  }
  for (const { method, url, headers, body } of requests) {
    t.equal(method, 'POST');
    t.equal(url, '/sms?x=1');
    t.equal(headers['content-type'], 'application/json');
    t.strictSame(JSON.parse(body), { type: 'countersign.sms', data: { to: '+491701234567', text: sms.text } });
    t.equal(headers['webhook-timestamp'], String(NOW / 1000));
    const signed = createHmac('sha256', key)
      .update(`${headers['webhook-id']}.${NOW / 1000}.${body}`)
      .digest('base64');
    t.equal(headers['webhook-signature'], `v1,${signed}`);
  }
  t.not(requests[0]?.headers['webhook-id'], requests[1]?.headers['webhook-id'], 'an id comes once');
});

t.test('what is refused for good, and what another try may change', async (t) => {
  const server = await loopbackServer();
  const sender = twilioSms({ ...account, apiUrl: server.url, timeoutSeconds: 1 });
  const secrets = /1701234567|a token|Zoë|127\.0\.0\.1/;
  for (const [status, code] of [
    [400, 'sms_refused'],
    [422, 'sms_refused'],
    [401, 'sms_unavailable'],
    [403, 'sms_unavailable'],
    [429, 'sms_unavailable'],
    [500, 'sms_unavailable'],
    [503, 'sms_unavailable'],
    // Nothing is sent after a redirect.
    [301, 'sms_unavailable'],
    [307, 'sms_unavailable'],
  ] as const) {
    server.behaviour.answer = (response) =>
      response
        .writeHead(status, { location: '/elsewhere' })
        .end(JSON.stringify({ code: 21_211, message: `The number ${sms.to} +491701234567 is not valid` }));
    const before = server.requests.length;
    const error = await sender.send(sms).catch((thrown: Error) => thrown);
    t.match(error, { code }, String(status));
    t.match((error as Error).cause, { message: `HTTP: ${status} error 21211` });
    t.notMatch(inspect(error, { depth: 9 }), secrets);
    t.equal(server.requests.length, before + 1);
  }

  // An answer that never ends is read so far and no further; one that never comes is given up.
  server.behaviour.answer = (response) => {
    response.writeHead(400);
    const timer = setInterval(() => response.write('x'.repeat(65_536)), 1);
    response.on('close', () => clearInterval(timer));
  };
  await t.rejects(sender.send(sms), { code: 'sms_refused' });
  server.behaviour.answer = () => {};
  const late = await sender.send(sms).catch((thrown: Error) => thrown);
  t.match(late, { code: 'sms_unavailable', cause: { message: 'HTTP: no answer in time' } });

  const away = twilioSms({ ...account, apiUrl: 'http://127.0.0.1:1' });
  const error = await away.send(sms).catch((thrown: Error) => thrown);
  t.match(error, { code: 'sms_unavailable' });
  t.notMatch(inspect(error, { depth: 9 }), secrets);
});

t.test('a number that is none goes nowhere', async (t) => {
  const { url, requests } = await loopbackServer();
  const sender = webhookSms({ url, secret: Buffer.alloc(24).toString('base64') });
  for (const to of ['', 'anna', '+49 170 x', '+1234567890123456', '12', '+1\r\n2345678', 5 as never]) {
    await t.rejects(sender.send({ to, text: '' }), { code: 'sms_refused' });
  }
  t.equal(requests.length, 0);
});

t.test('options that would send in the clear, or without a secret, are refused', async (t) => {
  const secret = Buffer.alloc(32).toString('base64');
  const refused = (work: () => unknown, field: string) =>
    t.throws(work, { code: 'configuration_invalid', details: { field } });
  refused(() => twilioSms({ ...account, accountSid: '' }), 'twilioSms.accountSid');
  refused(() => twilioSms({ ...account, accountSid: 'AC1/../..' }), 'twilioSms.accountSid');
  refused(() => twilioSms({ ...account, authToken: '' }), 'twilioSms.authToken');
  refused(() => twilioSms({ ...account, from: 'a\nb' }), 'twilioSms.from');
  refused(() => twilioSms({ ...account, apiUrl: 'http://api.example.org' }), 'twilioSms.apiUrl');
  refused(() => twilioSms({ ...account, timeoutSeconds: 0 }), 'twilioSms.timeoutSeconds');
  refused(() => webhookSms({ url: 'http://127.0.0.1.example.org/', secret }), 'webhookSms.url');
  refused(() => webhookSms({ url: 'https://user:pass@sms.example.org', secret }), 'webhookSms.url');
  refused(() => webhookSms({ url: 'ftp://localhost', secret }), 'webhookSms.url');
  refused(() => webhookSms({ url: 'nowhere', secret }), 'webhookSms.url');
  refused(() => webhookSms({ url: 'https://sms.example.org', secret: 'short' }), 'webhookSms.secret');
  refused(
    () => webhookSms({ url: 'https://sms.example.org', secret: 'no base64, but long enough for a key' }),
    'webhookSms.secret',
  );
  t.doesNotThrow(() => webhookSms({ url: 'http://localhost:8080/sms', secret }));
  t.doesNotThrow(() => webhookSms({ url: 'https://sms.example.org/in', secret }));
});
