// Which faults say for certain that nothing was done. One that is taken for certain and is not would let an event be written twice.
import t from 'tap';
import { storeError } from '../src/store-error.ts';

const codeOf = (code: string) => storeError(Object.assign(new Error('driver'), { code }), 'wait').code;

t.test('what the operating system says is not for certain, however it is spelt', async (t) => {
  for (const code of ['EPIPE', 'EPERM', 'ECONNRESET', 'ECONNREFUSED', 'ETIMEDOUT', 'EIO', 'CONNECTION_CLOSED'])
    t.equal(codeOf(code), 'store_unavailable', code);
});

t.test('what the server says is, by its class', async (t) => {
  for (const code of ['23505', '22P02', 'P0001', 'F0000', 'HV000']) t.equal(codeOf(code), 'store_refused', code);
  for (const code of ['57P01', '08006', '53300', 'XX000', '40001']) t.equal(codeOf(code), 'store_unavailable', code);
  t.equal(codeOf('57014'), 'store_wait_exceeded');
  t.equal(codeOf('42P01'), 'store_not_migrated');
});
