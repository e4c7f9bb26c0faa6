// A node that writes and seals as fast as it can, until it is killed. Plain JavaScript, so that it starts in a moment.
import { createCountersign, totp } from '@countersign/core';
import { openStore } from '@countersign/postgres';

const [url = '', keys = '{}'] = process.argv.slice(2);
const { audit } = await createCountersign({
  store: await openStore(url),
  publicUrl: 'https://ehr.example.org/clinic',
  keys: JSON.parse(keys),
  categories: [{ id: '5', name: 'Ketamine infusion' }],
  factors: [totp({ issuer: 'Example EHR' })],
});
for (;;) {
  const event = { code: /** @type {const} */ ('ACCESS_ALLOWED'), outcome: /** @type {const} */ ('success') };
  await audit.append(Array.from({ length: 200 }, () => ({ ...event, workspaceId: 'clinic', userId: 'carol' })));
}
