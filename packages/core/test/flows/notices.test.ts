/** Notices never hold up what they tell of, are tried three times, and end on the audit log where nobody could be told. */
import t from 'tap';
import type { AuditEventInput } from '../../src/audit/event.ts';
import { CountersignError } from '../../src/errors/countersign-error.ts';
import { Notices } from '../../src/flows/notices.ts';
import type { Contact, ContactSource, Mail, Notice, NoticeKind } from '../../src/notices/notice.ts';
import { writeNotice } from '../../src/notices/write-notice.ts';
import { NOW } from '../support/facts.ts';
import { gate } from '../support/fake-store.ts';

const publicUrl = new URL('https://ehr.example.org/clinic');
const SECOND_TRY = 2000;
const THIRD_TRY = 60_000;

const enrolled: Notice = {
  kind: 'factor-enrolled',
  workspaceId: 'clinic',
  to: { userId: 'ana' },
  factor: 'totp',
  at: NOW,
};

/** Waiting that a test ends by hand. */
class Pauses {
  readonly #waiting: { readonly milliseconds: number; readonly end: () => void }[] = [];

  readonly pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const waiting = { milliseconds, end: resolve };
      this.#waiting.push(waiting);
      const abort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(new Error('aborted'));
      };
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
    });

  get waiting(): readonly number[] {
    return this.#waiting.map(({ milliseconds }) => milliseconds);
  }

  end(milliseconds: number): void {
    const index = this.#waiting.findIndex((waiting) => waiting.milliseconds === milliseconds);
    if (index === -1) throw new Error(`Nothing waits ${milliseconds} ms: ${this.waiting.join()}`);
    this.#waiting.splice(index, 1)[0]?.end();
  }
}

interface SetUp {
  readonly contacts?: Partial<ContactSource>;
  send?(mail: Mail): Promise<void>;
}

function setUp({ contacts, send }: SetUp = {}) {
  const sent: Mail[] = [];
  const events: AuditEventInput[] = [];
  const pauses = new Pauses();
  const notices = new Notices(
    {
      publicUrl,
      notices: {
        mail: { send: send ?? (async (mail) => void sent.push(mail)) },
        contacts: {
          contactOf: async (_workspace, userId) => ({ email: `${userId}@example.org` }),
          administrators: async () => ['root', 'ruth'],
          ...contacts,
        },
      },
    },
    { appendBehind: (event) => void events.push(event) },
    pauses.pause,
  );
  return { notices, sent, events, pauses };
}

/** Everything that can go on without somebody ending a pause has gone on. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

t.test('the person concerned gets a mail', async (t) => {
  const { notices, sent, events, pauses } = setUp();
  notices.tell(enrolled);
  t.strictSame(sent, [], 'not while it is told');
  await settled();
  t.equal(sent.length, 1);
  t.match(sent[0], { to: 'ana@example.org', subject: 'A second factor was added to your account' });
  t.match(sent[0]?.text, /authenticator app/);
  t.match(sent[0]?.text, /2026-03-02 09:00 UTC/);
  t.match(sent[0]?.text, /ehr\.example\.org/);
  t.strictSame(events, []);
  t.strictSame(pauses.waiting, [], 'nothing waits any more');
});

t.test('nothing configured: nothing happens', async (t) => {
  const events: AuditEventInput[] = [];
  const notices = new Notices({ publicUrl, notices: undefined }, { appendBehind: (event) => void events.push(event) });
  notices.tell(enrolled);
  await notices.close();
  t.strictSame(events, []);
});

t.test('all administrators but the one who did it', async (t) => {
  const { notices, sent } = setUp({ contacts: { administrators: async () => ['root', 'ruth', 'rex', 'ruth'] } });
  notices.tell({
    kind: 'settings-changed',
    workspaceId: 'clinic',
    to: { administratorsBut: 'root' },
    by: 'root',
    at: NOW,
  });
  await settled();
  t.strictSame(sent.map(({ to }) => to).sort(), ['rex@example.org', 'ruth@example.org']);
  t.match(sent[0]?.text, /By: root/);
});

t.test('tried again with growing delay, then told', async (t) => {
  const tries: Mail[] = [];
  const { notices, events, pauses } = setUp({
    async send(mail) {
      tries.push(mail);
      if (tries.length < 3) throw new Error('451 ana@example.org: try later');
    },
  });
  notices.tell(enrolled);
  await settled();
  t.equal(tries.length, 1);
  pauses.end(SECOND_TRY);
  await settled();
  t.equal(tries.length, 2);
  pauses.end(THIRD_TRY);
  await settled();
  t.equal(tries.length, 3);
  t.strictSame(events, []);
});

t.test('after the third try the audit log says who was not told of what, and no address', async (t) => {
  const { notices, events, pauses } = setUp({
    async send() {
      throw new Error('ana@example.org is away');
    },
  });
  notices.tell(enrolled);
  await settled();
  pauses.end(SECOND_TRY);
  await settled();
  pauses.end(THIRD_TRY);
  await settled();
  t.strictSame(events, [
    {
      code: 'NOTICE_FAILED',
      outcome: 'failure',
      workspaceId: 'clinic',
      userId: 'ana',
      factor: 'totp',
      reason: 'mail-unavailable',
      details: '{"kind":"factor-enrolled"}',
    },
  ]);
  t.strictSame(pauses.waiting, []);
});

t.test('a refusal for good is not tried again', async (t) => {
  let tries = 0;
  const { notices, events, pauses } = setUp({
    async send() {
      tries++;
      throw new CountersignError('mail_refused');
    },
  });
  notices.tell(enrolled);
  await settled();
  t.equal(tries, 1);
  t.match(events, [{ code: 'NOTICE_FAILED', userId: 'ana', reason: 'mail-refused' }]);
  t.strictSame(pauses.waiting, []);
});

t.test('an address book that fails, and one that knows nobody', async (t) => {
  const failing = setUp({
    contacts: {
      contactOf() {
        throw new Error('away');
      },
      administrators() {
        throw new Error('away');
      },
    },
  });
  failing.notices.tell(enrolled);
  failing.notices.tell({ kind: 'settings-changed', workspaceId: 'clinic', to: { administratorsBut: 'root' }, at: NOW });
  await settled();
  for (const delay of [SECOND_TRY, SECOND_TRY, THIRD_TRY, THIRD_TRY]) {
    failing.pauses.end(delay);
    await settled();
  }
  t.match(failing.events, [
    { code: 'NOTICE_FAILED', userId: 'ana', reason: 'contacts-unavailable' },
    { code: 'NOTICE_FAILED', userId: null, reason: 'contacts-unavailable', details: '{"kind":"settings-changed"}' },
  ]);

  const unknown = setUp({ contacts: { contactOf: () => null } });
  unknown.notices.tell(enrolled);
  await settled();
  t.match(unknown.events, [{ code: 'NOTICE_FAILED', userId: 'ana', reason: 'no-contact' }]);
  t.strictSame(unknown.sent, []);
});

t.test('a mail server that never answers holds up nobody for ever', async (t) => {
  const { notices, pauses } = setUp({ send: () => new Promise(() => {}) });
  notices.tell(enrolled);
  await settled();
  t.strictSame(pauses.waiting, [60_000]);
  pauses.end(60_000);
  await settled();
  t.strictSame(pauses.waiting, [SECOND_TRY]);
});

t.test('what does not fit the queue is on the audit log', async (t) => {
  const hold = gate();
  const { notices, events } = setUp({ send: () => hold.passed });
  for (let count = 0; count < 1003; count++) notices.tell(enrolled);
  t.match(events, Array(3).fill({ code: 'NOTICE_FAILED', reason: 'backlog' }));
  hold.open();
  await notices.close();
  t.equal(events.length, 3, 'the others were told');
});

t.test('the end waits for what is under way, and tries once more what waits', async (t) => {
  let tries = 0;
  const { notices, events } = setUp({
    async send() {
      tries++;
      if (tries === 1) throw new Error('451');
    },
  });
  notices.tell(enrolled);
  await settled();
  t.equal(tries, 1);
  await notices.close();
  t.equal(tries, 2);
  t.strictSame(events, []);
  notices.tell(enrolled);
  await settled();
  t.equal(tries, 2, 'nothing is taken after the end');
});

t.test('every kind of notice, in both languages, without a link and without what was not asked for', async (t) => {
  const kinds: Record<NoticeKind, true> = {
    'factor-enrolled': true,
    'factor-removed': true,
    'factor-renamed': true,
    'factor-reset': true,
    'factor-locked': true,
    'factor-disabled': true,
    'recovery-codes-made': true,
    'recovery-code-used': true,
    'enrolment-code-issued': true,
    'settings-changed': true,
    'settings-proposed': true,
    'settings-proposal-decided': true,
  };
  const contact = (language?: string): Contact => ({
    email: 'ana@example.org',
    ...(language === undefined ? {} : { language }),
  });
  for (const kind of Object.keys(kinds) as NoticeKind[]) {
    const notice: Notice = { ...enrolled, kind, remaining: 7, by: 'root' };
    const [english, spanish] = [undefined, 'es-MX'].map((language) =>
      writeNotice(notice, contact(language), publicUrl),
    );
    for (const mail of [english, spanish]) {
      t.match(mail?.subject, /^[^\r\n{}]{10,80}$/, kind);
      t.notMatch(mail?.text, /[{}]|https?:/, kind);
      t.match(mail?.text, /2026-03-02 09:00 UTC/);
    }
    t.not(english?.subject, spanish?.subject);
    t.match(spanish?.text, /^Hola:/);
    t.match(writeNotice(notice, contact('eso'), publicUrl).text, /^Hello,/, 'only the language itself counts');
  }
  t.match(writeNotice({ ...enrolled, kind: 'recovery-code-used', remaining: 7 }, contact(), publicUrl).text, /left: 7/);
  t.match(writeNotice({ ...enrolled, factor: 'push' }, contact(), publicUrl).text, /another kind \(push\)/);
});

t.test('a user id cannot add lines to a mail', async (t) => {
  const by = 'root\r\n\r\nCall this number';
  const notice: Notice = {
    kind: 'settings-changed',
    workspaceId: 'clinic',
    to: { administratorsBut: by },
    by,
    at: NOW,
  };
  t.match(writeNotice(notice, { email: 'ruth@example.org' }, publicUrl).text, /^By: root +Call this number$/m);
});
