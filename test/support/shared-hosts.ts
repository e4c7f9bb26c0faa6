import { type AdapterName, type Host, type HostOptions, startHost } from './hosts.ts';
import { createRealStore } from './real-store.ts';

/**
 * One host per adapter for a whole test file, on server PostgreSQL, started when first asked for: for tests that do not disturb
 * each other, each with users and records of its own.
 */
export function sharedHosts(options: HostOptions = {}): (adapter: AdapterName) => Promise<Host> {
  const hosts = new Map<AdapterName, Promise<Host>>();
  return (adapter) => {
    const host = hosts.get(adapter) ?? createRealStore().then((store) => startHost(adapter, { store, ...options }));
    hosts.set(adapter, host);
    return host;
  };
}
