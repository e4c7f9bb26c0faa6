/**
 * Emergency access is opened, and every administrator is told within seconds, by mail over a real SMTP server and by SMS over Twilio's
 * interface, through the outbox in the database. A mail server that is away holds up nothing and gets it later; an address that is
 * refused for good is on the log, where whoever reviews sees it.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type MailSender, noticeOutcomes, type Principal } from '@countersign/core';
import { twilioSms } from '@countersign/delivery';
import { smtpMail } from '@countersign/mail';
import t from 'tap';
import { onEveryAdapter, startHost } from '../support/hosts.ts';
import { startMailServer } from '../support/mail-server.ts';
import { until } from '../support/until.ts';

const from = 'Example EHR <no-reply@ehr.example.org>';
const phones: Readonly<Record<string, string>> = { root: '+14155550101', ruth: '+14155550102' };

async function smsService() {
  const messages: { readonly to: string; readonly text: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      const form = new URLSearchParams(body);
      messages.push({ to: form.get('To') ?? '', text: form.get('Body') ?? '' });
      response.writeHead(201, { 'content-type': 'application/json' }).end('{"status":"queued"}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, messages };
}

onEveryAdapter(
  'all administrators are told by mail and SMS, also when the mail server is away at first',
  async (t, adapter) => {
    const server = await startMailServer({
      onRcptTo({ address }, _session, callback) {
        if (address !== 'ruth@example.org') return callback();
        callback(Object.assign(new Error('no such mailbox'), { responseCode: 550 }));
      },
    });
    const sms = await smsService();
    // Nothing listens there.
    let current: MailSender = smtpMail({ host: '127.0.0.1', port: 1, from });
    let tries = 0;
    const mail: MailSender = {
      send: async (message) => {
        tries += 1;
        await current.send(message);
      },
    };
    const host = await startHost(adapter, {
      countersign: {
        emergencyAccess: { roles: ['clinician'] },
        notices: {
          mail,
          sms: twilioSms({ accountSid: 'AC1', authToken: 'token', from: '+14155550100', apiUrl: sms.url }),
          contacts: {
            contactOf: async (_workspaceId, userId) => ({
              email: `${userId}@example.org`,
              ...(phones[userId] === undefined ? {} : { phone: phones[userId] }),
            }),
            administrators: async () => ['root', 'ruth'],
          },
        },
      },
    });
    const principalOf = (userId: string, roles: readonly string[]) => {
      const principal: Principal = {
        userId,
        workspaceId: 'clinic',
        roles,
        displayName: userId,
        signedInAt: new Date(host.clock.now() - 60_000),
        sessionKey: `session of ${userId}`,
        kind: 'person',
      };
      return host.countersign.principalOf(principal);
    };
    const { emergency } = host.countersign;

    const began = performance.now();
    const { id } = await emergency.start(principalOf('carol', ['clinician']), {
      purpose: 'clinical',
      patientId: 'p1',
      reason: 'Unresponsive after the infusion, dose needed now.',
      purposeOfUse: 'BTG',
    });
    await until(() => sms.messages.length === 2 && tries >= 2);
    t.ok(performance.now() - began < 5000, 'within five seconds');
    t.strictSame(sms.messages.map(({ to }) => to).sort(), ['+14155550101', '+14155550102']);
    t.match(sms.messages[0]?.text, /^localhost:\d+: carol has begun emergency access\./);
    t.strictSame(server.mails, []);

    // The mail server is back: what could not be handed over is, and what is refused for good is told.
    current = smtpMail({ host: 'localhost', port: server.port, from });
    await until(() => server.mails.length === 1);
    t.strictSame(server.mails[0]?.to, ['root@example.org']);
    t.match(server.mails[0]?.text, 'carol has begun emergency access.');
    t.notMatch(JSON.stringify([server.mails, sms.messages]), /Unresponsive|p1\b|Ketamine/);
    const administrator = principalOf('root', ['administrator']);
    const outcomes = async () => noticeOutcomes(await emergency.accesses(administrator, id));
    await until(async () => (await outcomes()).length === 4);
    t.strictSame((await outcomes()).map(({ userId, channel, failure }) => [userId, channel, failure]).sort(), [
      ['root', 'mail', null],
      ['root', 'sms', null],
      ['ruth', 'mail', 'mail-refused'],
      ['ruth', 'sms', null],
    ]);
    await until(async () => (await host.store.outbox().state()).waiting === 0);
    t.match(await host.store.outbox().state(), { dead: 1 });
    t.equal(sms.messages.length, 2, 'nothing came twice');
  },
);
