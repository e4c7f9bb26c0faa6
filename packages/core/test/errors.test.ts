import t from 'tap';
import { type ErrorCode, errorCodes } from '../src/errors/codes.ts';
import { CountersignError } from '../src/errors/countersign-error.ts';
import { StepUpRequiredError } from '../src/errors/step-up-required-error.ts';
import { refusalCode } from '../src/flows/demand.ts';

const codes = Object.keys(errorCodes) as ErrorCode[];

t.test('every code has a status and a message that is safe to show', async (t) => {
  for (const code of codes) {
    const error = new CountersignError(code);
    t.match(error, {
      name: 'CountersignError',
      code,
      status: errorCodes[code].status,
      message: errorCodes[code].message,
      details: {},
    });
    t.match(code, /^[a-z]+(_[a-z]+)*$/);
    t.match(error.message, /^[A-Z].*\.$/, `${code} is a sentence`);
    t.ok(error.status >= 400 && error.status < 600);
    t.equal(error.help, `docs/error-codes.md#${code}`);
  }
});

t.test('a cause stays with those who debug: neither message nor details nor JSON carry it', async (t) => {
  const cause = new Error('insert into factor values ($1) -- JBSWY3DPEHPK3PXP');
  const error = new CountersignError('store_unavailable', { cause, retryAfterSeconds: 1, cure: 'Try again.' });
  t.equal(error.cause, cause);
  t.equal(error.message, 'The database cannot be reached right now. Try again.');
  t.strictSame(error.details, { retryAfterSeconds: 1, cure: 'Try again.' });
  t.notMatch(JSON.stringify(error) + JSON.stringify(error.details) + String(error), /JBSWY3DPEHPK3PXP|insert/);
  t.equal('cause' in new CountersignError('internal'), false);
});

t.test('a detail takes the place of the table’s sentence, and the cure follows', async (t) => {
  t.equal(
    new CountersignError('input_invalid', { detail: 'reason: is too short.', field: 'reason' }).message,
    'reason: is too short.',
  );
  t.equal(new CountersignError('input_invalid', { detail: 'One.', cure: 'Two.' }).message, 'One. Two.');
  t.strictSame(new CountersignError('input_invalid', { detail: 'One.', field: 'x' }).details, { field: 'x' });
});

t.test('an error of another copy of the package is known by its code; what only looks like one is not', async (t) => {
  class CopiedError extends Error {
    override readonly name = 'CountersignError';
    readonly code = 'store_unavailable';
    readonly status = 503;
    readonly details = {};
  }
  t.ok(CountersignError.is(new CopiedError()));
  t.ok(CountersignError.is(new CountersignError('internal')));
  const decision = { outcome: 'locked', reason: 'idle' } as const;
  const stepUp = new StepUpRequiredError('session_locked', decision, null);
  t.ok(CountersignError.is(stepUp) && stepUp instanceof CountersignError && stepUp instanceof Error);
  t.match(stepUp, { name: 'StepUpRequiredError', decision, challenge: null, status: 401 });
  const looks: readonly unknown[] = [
    null,
    undefined,
    'internal',
    5,
    {},
    { code: 'internal', details: {} },
    new Error('internal'),
    Object.assign(new Error('x'), { code: 'ECONNREFUSED', details: {} }),
    Object.assign(new Error('x'), { code: 'toString', details: {} }),
    Object.assign(new Error('x'), { code: 'constructor', details: {} }),
    Object.assign(new Error('x'), { code: 'internal' }),
    Object.assign(new Error('x'), { code: ['internal'], details: {} }),
  ];
  for (const [index, value] of looks.entries()) t.notOk(CountersignError.is(value), `${index}`);
});

t.test('every decision that refuses has its code', async (t) => {
  const reasons = [
    'no-principal',
    'not-a-person',
    'another-workspace',
    'settings-unknown',
    'operation-unknown',
    'session-ended',
    'no-suitable-factor',
  ] as const;
  const found = reasons.map((reason) => refusalCode({ outcome: 'deny', reason, reasons: [] }));
  t.strictSame(found, [
    'sign_in_required',
    'person_required',
    'not_found',
    'settings_unknown',
    'operation_required',
    'session_ended',
    'factor_required',
  ]);
  t.equal(refusalCode({ outcome: 'locked', reason: 'idle' }), 'session_locked');
  t.equal(
    refusalCode({ outcome: 'challenge', reasons: [], strength: 'any', oneShot: false, factors: [] }),
    'step_up_required',
  );
});
