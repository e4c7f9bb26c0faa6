/**
 * Every administrator is told of emergency access by mail and SMS; what fails is tried again, what fails for good is on the log; of one
 * person's accesses within a quarter of an hour the first is told at once, the others together; nothing told names a patient.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { AuditWriter } from '../../src/audit/writer.ts';
import { type CountersignOptions, resolveConfiguration } from '../../src/configuration/configuration.ts';
import { CountersignError } from '../../src/errors/countersign-error.ts';
import { totp } from '../../src/factors/totp.ts';
import { emergencyNotice } from '../../src/flows/emergency-events.ts';
import { EmergencyNotices } from '../../src/flows/emergency-notices.ts';
import { emergencyRow, emergencyStep } from '../../src/flows/emergency-rows.ts';
import { noticeOutcomes } from '../../src/flows/notice-outcomes.ts';
import type { EmergencyNotice } from '../../src/notices/emergency-notice.ts';
import type { Contact, ContactSource, Mail, Sms } from '../../src/notices/notice.ts';
import { FakeStore } from '../support/fake-store.ts';

/** A quarter of an hour begins here. */
const NOW = Date.UTC(2026, 2, 2, 9);
const MINUTE = 60_000;
const people: Readonly<Record<string, Contact>> = {
  ruth: { email: 'ruth@example.org', phone: '+14155550101' },
  rosa: { email: 'rosa@example.org', phone: '+14155550102', language: 'es-MX' },
  carol: { email: 'carol@example.org', phone: '+14155550103' },
};

interface SetUp {
  readonly contacts?: Partial<ContactSource>;
  readonly mail?: (mail: Mail) => Promise<void>;
  readonly sms?: ((sms: Sms) => Promise<void>) | null;
  /** Nobody is to be told of anything. */
  readonly without?: boolean;
}

async function setUp(t: Test, { contacts, mail, sms, without = false }: SetUp = {}) {
  const store = new FakeStore();
  const mails: Mail[] = [];
  const messages: Sms[] = [];
  let now = NOW;
  const clock = { now: () => now, elapsed: () => now };
  const options: CountersignOptions = {
    store,
    publicUrl: 'https://ehr.example.org/clinic',
    keys: { current: 'k1', all: { k1: randomBytes(32) } },
    categories: [{ id: '5', name: 'Ketamine infusion' }],
    factors: [totp({ issuer: 'Example EHR' })],
    emergencyAccess: { roles: ['clinician'] },
    clock,
    notices: {
      mail: { send: mail ?? (async (each) => void mails.push(each)) },
      ...(sms === null ? {} : { sms: { send: sms ?? (async (each) => void messages.push(each)) } }),
      contacts: {
        contactOf: async (_workspace, userId) => people[userId] ?? null,
        // Twice the same is one.
        administrators: async () => ['ruth', 'rosa', 'carol', 'ruth'],
        ...contacts,
      },
    },
  };
  const { notices: told, ...silent } = options;
  const configuration = resolveConfiguration(without ? silent : { ...silent, notices: told });
  const audit = new AuditWriter({ store, clock, ids: configuration.ids });
  const notices = new EmergencyNotices(configuration, store, audit, () => ['clinic']);
  await notices.start();
  t.teardown(async () => {
    await notices.close();
    await audit.close();
  });

  /** Opens one as the flow does. */
  const open = async (
    event: Parameters<typeof emergencyNotice>[1] = 'started',
    { purpose = 'clinical' as const, userId = 'carol', waits = false } = {},
  ) => {
    const patientId = 'patient-77';
    const row = {
      id: randomUUID(),
      workspaceId: 'clinic',
      userId,
      purpose,
      patientId,
      openedAt: now,
      endsAt: now + 60 * MINUTE,
    };
    const said = {
      reason: 'unconscious, no one else',
      purposeOfUse: 'BTG',
      recipient: null,
      facility: null,
      nature: null,
    };
    const access = emergencyRow(configuration.keyring, row, { ...said, reopens: null, waits });
    await audit.transact(async (transaction) => {
      await transaction.putEmergencyAccess(access);
      await transaction.enqueue(emergencyNotice({ access }, event, userId, now));
      return { value: null, events: [] };
    });
    return access.id;
  };
  const events = (code: string) => store.records.filter((record) => record.code === code);
  return {
    store,
    audit,
    configuration,
    notices,
    mails,
    messages,
    open,
    events,
    later: (milliseconds: number) => {
      now += milliseconds;
    },
  };
}

t.test('all administrators, by mail and by SMS, whoever invoked it among them', async (t) => {
  const { store, mails, messages, open, events } = await setUp(t);
  const id = await open();
  await store.handOver();
  t.strictSame(mails.map(({ to }) => to).sort(), ['carol@example.org', 'rosa@example.org', 'ruth@example.org']);
  t.strictSame(messages.map(({ to }) => to).sort(), ['+14155550101', '+14155550102', '+14155550103']);

  const ruths = mails.find(({ to }) => to === 'ruth@example.org');
  t.equal(ruths?.subject, 'Emergency access');
  for (const part of [
    'carol has begun emergency access.',
    'clinical',
    'From: 2026-03-02 09:00 UTC',
    'Until: 2026-03-02 10:00 UTC',
    'Where: ehr.example.org',
    'Please review it',
  ])
    t.match(ruths?.text, part);
  t.match(mails.find(({ to }) => to === 'rosa@example.org')?.text, 'carol inició un acceso de emergencia.');
  const sms = messages.find(({ to }) => to === '+14155550101')?.text ?? '';
  t.equal(
    sms,
    'ehr.example.org: carol has begun emergency access. 2026-03-02 09:00 UTC – 2026-03-02 10:00 UTC. Please review it there.',
  );
  for (const text of [...mails.map(({ text, subject }) => subject + text), ...messages.map(({ text }) => text)])
    t.notMatch(text, /patient-77|unconscious|Ketamine|https?:|BTG/);
  t.notMatch(
    JSON.stringify([...store.rows.jobs.values()]),
    /example\.org|\+1415|patient-77|unconscious/,
    'no job has them',
  );

  t.strictSame(
    events('NOTICE_DELIVERED')
      .map(({ userId, emergencyAccessId, details }) => [userId, emergencyAccessId, JSON.parse(details ?? '{}').channel])
      .sort(),
    [
      ['carol', id, 'mail'],
      ['carol', id, 'sms'],
      ['rosa', id, 'mail'],
      ['rosa', id, 'sms'],
      ['ruth', id, 'mail'],
      ['ruth', id, 'sms'],
    ],
  );
  t.strictSame(
    noticeOutcomes(store.records).filter(({ failure }) => failure !== null),
    [],
  );
});

t.test('each kind has its words in both languages, and without SMS there is mail', async (t) => {
  const { store, mails, open, later, audit, configuration } = await setUp(t, { sms: null });
  const id = await open('requested', { waits: true });
  await store.handOver();
  t.match(mails[0]?.text, 'asks for emergency access beyond the usual');
  t.match(mails[0]?.text, 'To approve or decline it');
  t.notMatch(mails[0]?.text, 'Until:', 'nothing has begun');
  later(MINUTE);
  await audit.transact(async (transaction) => {
    const step = { emergencyAccessId: id, kind: 'approved', at: NOW + MINUTE, byUserId: 'dana' };
    await transaction.putEmergencyStep(emergencyStep(configuration.keyring, step, { endsAt: NOW + 61 * MINUTE }));
    await transaction.enqueue(emergencyNotice({ access: store.rows.accesses[0]! }, 'approved', 'dana', NOW + MINUTE));
    return { value: null, events: [] };
  });
  await store.handOver();
  t.match(mails.at(-1)?.text, 'dana has approved the emergency access of carol');
  t.match(mails.at(-1)?.text, 'From: 2026-03-02 09:01 UTC');
  later(80 * MINUTE);
  await open('reopened');
  await open('overdue', { userId: 'oskar' });
  await store.handOver();
  const texts = mails.map(({ text }) => text).join('\n');
  t.match(texts, 'carol has begun emergency access for the same patient again');
  t.match(texts, 'carol inició de nuevo un acceso de emergencia para el mismo paciente');
  t.match(texts, 'The review of an emergency access of oskar is overdue.');
  t.match(
    mails.map(({ subject }) => subject),
    ['Emergency access'],
  );
});

t.test('within a quarter of an hour the first is told at once, the others in one message each', async (t) => {
  const { store, mails, messages, open, later, events } = await setUp(t);
  later(2 * MINUTE);
  await open();
  await store.handOver();
  t.equal(mails.length, 3);
  const others: string[] = [];
  for (let n = 0; n < 4; n++) {
    later(MINUTE);
    others.push(await open(n === 3 ? 'reopened' : 'started'));
  }
  await open('started', { userId: 'dave' });
  await store.handOver();
  t.equal(mails.length, 6, "another person's first is told at once");
  t.equal(messages.length, 6);
  await store.handOver((8 * MINUTE) / 1000);
  t.equal(mails.length, 6, 'not before the end of the quarter of an hour');
  await store.handOver((12 * MINUTE) / 1000);
  t.equal(mails.length, 9);
  const digest = mails.at(-1)?.text ?? '';
  t.match(
    mails.map(({ text }) => text).join(),
    'carol has begun emergency access 4 more times within a quarter of an hour.',
  );
  t.match(digest, '2026-03-02 09:03 UTC');
  t.match(digest, '2026-03-02 09:06 UTC');
  const told = events('NOTICE_DELIVERED').filter(({ details }) => details?.includes('gathered'));
  t.strictSame(
    new Set(told.map(({ emergencyAccessId }) => emergencyAccessId)),
    new Set(others),
    'each access has it on the log',
  );

  // The next quarter of an hour after a pause: at once again.
  later(40 * MINUTE);
  await open();
  await store.handOver();
  t.equal(mails.length, 12);
});

t.test('a mail server that is away is tried again; nobody is told twice of what went out', async (t) => {
  let away = true;
  const mails: string[] = [];
  const { store, messages, open, events } = await setUp(t, {
    mail: async ({ to }) => {
      if (away) throw new Error(`connect ECONNREFUSED for ${to}`);
      mails.push(to);
    },
  });
  await open();
  await store.handOver();
  t.equal(messages.length, 3, 'SMS go out meanwhile');
  t.equal(events('NOTICE_FAILED').length, 0);
  away = false;
  await store.handOver();
  t.equal(mails.length, 3);
  t.equal(messages.length, 3);
  t.equal(events('NOTICE_DELIVERED').length, 6);
});

t.test('what fails for good is on the log, with its channel and why, and shown to whoever reviews', async (t) => {
  const { store, open, events } = await setUp(t, {
    contacts: {
      administrators: async () => ['ruth', 'ghost', 'mute', 'rosa'],
      contactOf: async (_workspace, userId) =>
        userId === 'mute' ? { email: 'mute@example.org' } : (people[userId] ?? null),
    },
    mail: async ({ to }) => {
      if (to === 'ruth@example.org') throw new CountersignError('mail_refused');
    },
    sms: async ({ to }) => {
      if (to === people.rosa?.phone) throw new CountersignError('sms_unavailable');
    },
  });
  const id = await open();
  for (let n = 0; n < 12; n++) await store.handOver();
  t.strictSame(
    noticeOutcomes(store.records)
      .filter(({ failure }) => failure !== null)
      .map(({ userId, channel, failure, kind }) => [userId, channel, failure, kind])
      .sort(),
    [
      ['ghost', 'mail', 'no-contact', 'emergency-access-started'],
      ['ghost', 'sms', 'no-contact', 'emergency-access-started'],
      ['mute', 'sms', 'no-contact', 'emergency-access-started'],
      ['rosa', 'sms', 'sms-unavailable', 'emergency-access-started'],
      ['ruth', 'mail', 'mail-refused', 'emergency-access-started'],
    ],
  );
  t.ok(
    events('NOTICE_FAILED').every(
      ({ emergencyAccessId, outcome }) => emergencyAccessId === id && outcome === 'failure',
    ),
  );
  t.equal(events('NOTICE_DELIVERED').length, 3);
  t.notMatch(JSON.stringify(store.records), /@example\.org|\+1415/, 'no address on the log');
});

t.test('an address book that fails, names nobody or is not there: never silent', async (t) => {
  for (const [contacts, reason] of [
    [{ administrators: async () => Promise.reject(new Error('down')) }, 'contacts-unavailable'],
    [{ administrators: async () => 'ruth' as never }, 'contacts-unavailable'],
    [{ administrators: async () => [] }, 'no-administrators'],
  ] as const) {
    const { store, open, events } = await setUp(t, { contacts });
    const id = await open();
    for (let n = 0; n < 12; n++) await store.handOver();
    t.match(events('NOTICE_FAILED'), [{ userId: null, reason, emergencyAccessId: id }]);
  }
});

t.test('without notices nobody is told, and the log says so', async (t) => {
  const { store, open, events, notices } = await setUp(t, { without: true });
  const id = await open();
  await store.handOver();
  t.match(events('NOTICE_FAILED'), [{ userId: null, reason: 'not-configured', emergencyAccessId: id }]);
  const notice = { kind: 'started', userId: 'c', by: 'c', purpose: null, from: NOW, until: null, count: 1 } as const;
  t.strictSame(await notices.tellNow('clinic', notice), { reached: [], failed: [] });
});

t.test('a job that is not of our writing is put aside', async (t) => {
  const { store, audit, mails, events } = await setUp(t);
  await audit.transact(async (transaction) => {
    for (const content of ['no JSON', '{}', '{"event":"started","emergencyAccessId":7,"by":"x","at":1}']) {
      for (const kind of ['emergency-notice', 'emergency-message'] as const)
        await transaction.enqueue({ kind, workspaceId: 'clinic', content });
    }
    return { value: null, events: [] };
  });
  await store.handOver();
  t.strictSame(mails, []);
  t.equal(events('NOTICE_FAILED').length, 0);
  t.match(await store.outbox().state(), { waiting: 0, dead: 6 });
});

t.test('rows that were altered behind our back are told of all the same', async (t) => {
  const { store, mails, open } = await setUp(t);
  await open();
  store.rows.accesses[0] = { ...store.rows.accesses[0]!, purpose: 'administrative' };
  await store.handOver();
  t.equal(mails.length, 3);
  t.match(mails[0]?.text, 'carol has begun emergency access.');
  t.notMatch(mails[0]?.text, 'administrative');
});

t.test('directly, without the database: whom the address book names, or named last', async (t) => {
  let away = false;
  const { notices, mails, messages, store } = await setUp(t, {
    contacts: { administrators: async () => (away ? Promise.reject(new Error('down')) : ['ruth', 'rosa']) },
  });
  const notice: EmergencyNotice = {
    kind: 'started',
    userId: 'carol\r\nBcc: x',
    by: 'carol',
    purpose: 'clinical',
    from: NOW,
    until: NOW + 60 * MINUTE,
    count: 1,
  };
  t.match((await notices.tellNow('clinic', notice)).reached.length, 4);
  t.notMatch(mails[0]?.text, '\nBcc');
  away = true;
  const told = await notices.tellNow('clinic', notice);
  t.equal(told.reached.length, 4, 'those that were known');
  t.strictSame(told.failed, []);
  t.equal(mails.length, 4);
  t.equal(messages.length, 4);
  t.strictSame(await notices.tellNow('elsewhere', notice), { reached: [], failed: [] }, 'nobody is known there');
  t.equal(store.rows.jobs.size, 0);
});

t.test('directly: a channel that fails is said, and holds up no other', async (t) => {
  const { notices } = await setUp(t, {
    contacts: { administrators: async () => ['ruth'] },
    mail: async () => {
      throw new Error('to ruth@example.org');
    },
  });
  const notice = { kind: 'started', userId: 'c', by: 'c', purpose: null, from: NOW, until: null, count: 1 } as const;
  t.strictSame(await notices.tellNow('clinic', notice), {
    reached: [{ userId: 'ruth', channel: 'sms' }],
    failed: [{ userId: 'ruth', channel: 'mail', reason: 'mail-unavailable' }],
  });
});
