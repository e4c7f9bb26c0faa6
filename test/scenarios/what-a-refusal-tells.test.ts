// A clinician's desk is unattended. Whoever sits down at it clicks through the restricted rows, to learn from the challenges what the
// patients are treated for. Until somebody has passed a factor, neither page nor problem document says it.
import { onEveryAdapter, startHost } from '../support/hosts.ts';

onEveryAdapter('a refusal does not tell what the record is about, unless the host wants it', async (t, adapter) => {
  for (const nameCategories of [false, true]) {
    const host = await startHost(adapter, { web: { nameCategories } });
    const { client } = await host.enrolled('carol');
    const refused = await client.get('/visits/v1');
    t.equal(refused.status, 401);
    t.match(refused.json().reasons, [{ kind: 'missing' }]);
    t.equal(refused.text.includes('"category"'), nameCategories, 'the problem document');
    const sent = await client.get('/visits/v1', { page: true });
    const page = await client.get(sent.headers.get('location') ?? '', { page: true });
    t.equal(page.status, 200);
    t.equal(page.text.includes('Ketamine'), nameCategories, 'the page');
    for (const text of [refused.text, page.text])
      t.notMatch(text, /notes of|(?<![\w-])p1(?![\w-])/, 'nor whose it is, nor what it says');
    t.ok((await host.events()).some((event) => event.code === 'MFA_REQUIRED' && event.categories === '5'));
    await host.close();
  }
});
