/** Events reach the sinks in order and without gaps, whatever sinks and database do; the writer never waits for them. */
import { mock } from 'node:test';
import t from 'tap';
import type { AuditEventInput, AuditRecord } from '../../src/audit/event.ts';
import { EventShipping } from '../../src/audit/event-shipping.ts';
import { AuditWriter } from '../../src/audit/writer.ts';
import { CountersignError } from '../../src/errors/countersign-error.ts';
import { NOW } from '../support/facts.ts';
import { FakeStore, gate } from '../support/fake-store.ts';

const clock = { now: () => NOW, elapsed: () => 0 };
const event = (reason: string): AuditEventInput => ({
  code: 'ACCESS_ALLOWED',
  outcome: 'success',
  workspaceId: 'clinic',
  userId: 'carol',
  reason,
});
const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

/** Waiting that a test ends by hand. */
class Pauses {
  readonly #waiting = new Set<{ readonly milliseconds: number; readonly end: () => void }>();
  readonly seen: number[] = [];

  readonly pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const waiting = { milliseconds, end: resolve };
      this.#waiting.add(waiting);
      this.seen.push(milliseconds);
      const abort = () => {
        this.#waiting.delete(waiting);
        reject(new Error('aborted'));
      };
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
    });

  end(milliseconds: number): void {
    for (const waiting of this.#waiting) {
      if (waiting.milliseconds !== milliseconds) continue;
      this.#waiting.delete(waiting);
      waiting.end();
      return;
    }
    throw new Error(`Nothing waits ${milliseconds} ms.`);
  }
}

/** A sink that a test can stop. */
class TestSink {
  readonly got: AuditRecord[] = [];
  readonly calls: number[] = [];
  fault: (() => Promise<void>) | null = null;

  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  async deliver(events: readonly AuditRecord[]): Promise<void> {
    this.calls.push(events.length);
    await this.fault?.();
    this.got.push(...events);
  }

  /** What came, by reason or else by code. */
  get told(): string[] {
    return this.got.map(({ reason, code }) => reason ?? code);
  }
}

function setUp(...names: readonly string[]) {
  const sinks = names.map((name) => new TestSink(name));
  const [sink] = sinks;
  if (sink === undefined) throw new Error('A sink is needed.');
  const store = new FakeStore();
  const pauses = new Pauses();
  const shipping = new EventShipping(sinks, store, pauses.pause);
  let number = 0;
  const ids = () => `00000000-0000-7000-8000-${String(++number).padStart(12, '0')}`;
  const audit = new AuditWriter({ store, clock, ids, listener: shipping });
  shipping.start(audit);
  const own = () => store.records.filter(({ code }) => code.startsWith('AUDIT_SINK_'));
  return { sink, sinks, store, pauses, shipping, audit, own };
}

t.test('events reach every sink after their commit, in order, and all of them', async (t) => {
  const { sinks, store, shipping, audit } = setUp('one', 'other');
  const held = store.hold('append');
  const first = audit.append([event('a'), event('b')]);
  await held.reached;
  await turn();
  t.same(
    sinks.map((one) => one.told),
    [[], []],
    'nothing before the commit',
  );
  held.open();
  await first;
  await audit.append([event('c')]);
  await audit.transact(async () => ({ value: 1, events: [event('d')] }));
  await audit.close();
  await shipping.close();
  for (const one of sinks) {
    t.same(one.told, ['AUDIT_STREAM_OPENED', 'a', 'b', 'c', 'd', 'AUDIT_STREAM_CLOSED']);
    t.same(one.got, store.records, 'as they are in the table');
  }
});

t.test('a sink that fails holds up neither the writer nor the others, and gets everything later', async (t) => {
  const { sinks, sink, pauses, shipping, audit, own } = setUp('down', 'up');
  const up = sinks[1] as TestSink;
  await audit.append([event('a')]);
  await turn();
  sink.fault = () => Promise.reject(new Error('password=hunter2'));
  await audit.append([event('b')]);
  await turn();
  await audit.append([event('c')]);
  await turn();
  t.same(
    up.told.filter((told) => told !== 'rejected'),
    ['AUDIT_STREAM_OPENED', 'a', 'b', 'c'],
  );
  t.same(sink.told, ['AUDIT_STREAM_OPENED', 'a']);
  pauses.end(1000);
  await turn();
  pauses.end(2000);
  await turn();
  t.ok(pauses.seen.includes(4000), 'each pause is twice as long');
  sink.fault = null;
  pauses.end(4000);
  await turn();
  await audit.append([event('d')]);
  await audit.close();
  await shipping.close();
  t.same(
    own().map(({ code, outcome, reason, details }) => [code, outcome, reason, JSON.parse(details ?? '')]),
    [
      ['AUDIT_SINK_FAILED', 'failure', 'rejected', { sink: 'down', kind: 'events' }],
      ['AUDIT_SINK_RECOVERED', 'success', null, { sink: 'down', kind: 'events', late: 3, missing: 0 }],
    ],
    'each change is told once, and nothing of what the error said',
  );
  t.same(sink.got, up.got);
});

t.test('a sink that does not answer is asked again after 30 seconds', async (t) => {
  const { sink, pauses, shipping, audit, own } = setUp('silent');
  sink.fault = () => new Promise(() => {});
  await audit.append([event('a')]);
  await turn();
  sink.fault = () => Promise.reject(new CountersignError('store_unavailable'));
  pauses.end(30_000);
  await turn();
  t.equal(own()[0]?.reason ?? 'no-answer', 'no-answer');
  sink.fault = null;
  pauses.end(1000);
  await turn();
  await audit.append([event('b')]);
  await audit.close();
  await shipping.close();
  t.same(own()[0]?.reason, 'no-answer');
  t.same(
    sink.told.filter((told) => /^[ab]$/.test(told)),
    ['a', 'b'],
  );
});

t.test('more than memory holds is read from the table, in pieces of 500', async (t) => {
  const { sink, store, shipping, audit, own } = setUp('slow');
  const answer = gate();
  sink.fault = () => answer.passed;
  await audit.append([event('first')]);
  await turn();
  const many = Array.from({ length: 1000 }, (_, index) => event(String(index)));
  for (let round = 0; round < 12; round += 1) await audit.append(many);
  t.same(sink.calls, [2], 'it has not answered yet, and nobody has waited for it');
  const reads = t.capture(store, 'auditStream', store.auditStream);
  answer.open();
  sink.fault = null;
  while (sink.got.length < 12_002) await turn();
  await audit.append([event('last')]);
  await audit.close();
  await shipping.close();
  t.ok(reads().length > 0, 'some were no longer in memory');
  t.same(
    sink.got.map(({ index }) => index),
    store.records.map(({ index }) => index),
    'every event once, in order',
  );
  t.ok(sink.calls.every((count) => count <= 500));
  t.match(own(), [{ code: 'AUDIT_SINK_FAILED', reason: 'behind' }, { code: 'AUDIT_SINK_RECOVERED' }]);
});

t.test('what a commit of unknown outcome left in the table is sent too', async (t) => {
  const { sink, store, shipping, audit } = setUp('one');
  await audit.append([event('a')]);
  await turn();
  store.once('appended', () => {
    throw new CountersignError('store_unavailable');
  });
  await audit.append([event('b')]);
  await audit.append([event('c')]);
  await audit.close();
  await shipping.close();
  t.same(sink.told, ['AUDIT_STREAM_OPENED', 'a', 'b', 'AUDIT_STREAM_OPENED', 'c', 'AUDIT_STREAM_CLOSED']);
});

t.test('a database that cannot be read is no fault of the sink', async (t) => {
  const { sink, store, pauses, shipping, audit, own } = setUp('one');
  await audit.append([event('a')]);
  await turn();
  store.once('appended', () => {
    throw new CountersignError('store_unavailable');
  });
  const readStream = store.auditStream.bind(store);
  store.auditStream = () => {
    throw new CountersignError('store_unavailable');
  };
  await audit.append([event('b')]);
  await audit.append([event('c')]);
  await turn();
  t.notOk(sink.told.includes('c'), 'the older stream comes first');
  store.auditStream = readStream;
  pauses.end(1000);
  await turn();
  await audit.close();
  await shipping.close();
  t.same(sink.told, ['AUDIT_STREAM_OPENED', 'a', 'b', 'AUDIT_STREAM_OPENED', 'c', 'AUDIT_STREAM_CLOSED']);
  t.same(own(), []);
});

t.test('what is neither in memory nor in the table is counted', async (t) => {
  const { sink, store, shipping, audit, own } = setUp('slow');
  const answer = gate();
  sink.fault = () => answer.passed;
  await audit.append([event('first')]);
  await turn();
  const many = Array.from({ length: 1000 }, (_, index) => event(String(index)));
  for (let round = 0; round < 12; round += 1) await audit.append(many);
  store.records.splice(2, 100);
  answer.open();
  sink.fault = null;
  while (sink.got.length < 11_902) await turn();
  await audit.append([event('last')]);
  await audit.close();
  await shipping.close();
  const recovered = own().find(({ code }) => code === 'AUDIT_SINK_RECOVERED');
  t.match(JSON.parse(recovered?.details ?? ''), { sink: 'slow', missing: 100 });
});

t.test('the end waits five seconds at most', async (t) => {
  const { sink, shipping, audit } = setUp('silent');
  sink.fault = () => new Promise(() => {});
  await audit.append([event('a')]);
  await audit.close();
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  const closed = shipping.close();
  mock.timers.tick(5000);
  await closed;
  t.same(sink.told, []);
});
