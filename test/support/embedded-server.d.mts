export interface EmbeddedServer {
  readonly port: number;
  /** Of the database `postgres`, as its superuser. */
  readonly url: string;
  /** Of the postmaster, while it runs. */
  readonly pid: number | undefined;
  /** Starts it again after `stop` or `crash`, on the same port and data. */
  start(): Promise<void>;
  /** Ends every connection and shuts down in order. The data stay. */
  stop(): Promise<void>;
  /** Kills it as a power cut of the database host would. The data stay. */
  crash(): Promise<void>;
  /** Shuts down and deletes the data. */
  close(): Promise<void>;
}

/** Starts a server with an empty cluster in the folder for temporary files; `settings` are postgresql.conf's. */
export function startEmbeddedServer(options?: {
  readonly settings?: Readonly<Record<string, string>>;
}): Promise<EmbeddedServer>;
