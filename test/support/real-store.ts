import type { Store } from '@countersign/core';
import { openStore } from '@countersign/postgres';
import t from 'tap';
import { createDatabase } from './postgres-server.ts';

/** A store in an empty database of its own on server PostgreSQL, for tests of races. Both end with the test file. */
export async function createRealStore(): Promise<Store & { readonly url: string }> {
  const { url } = await createDatabase();
  const store = await openStore(url);
  t.teardown(() => store.close());
  return { ...store, url };
}
