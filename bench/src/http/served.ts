import type { Server } from 'node:http';

/** A server of one variant, and how a client comes to be answered by it. */
export interface Served {
  /** Not yet listening. */
  readonly server: Server;
  /** Signs in, and does whatever else is needed until the visit is served; returns the `Cookie` header to go on with. */
  prepare(baseUrl: string): Promise<string>;
}
