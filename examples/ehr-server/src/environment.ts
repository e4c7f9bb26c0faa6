import { z } from 'zod';
import { keptSecret } from './accounts/kept-secret.ts';

/** What the process was told at start, checked whole and frozen. */
export interface Environment {
  readonly port: number;
  /** The name or address to listen on. Default `localhost`, since the demo accounts' passwords are public. */
  readonly host: string;
  readonly adapter: 'fastify' | 'express';
  /** Null: PGlite in `dataDir`. */
  readonly databaseUrl: string | null;
  readonly dataDir: string;
  /** At least 16 characters. Session signatures and the demo accounts' TOTP secrets are derived from it. */
  readonly ehrSecret: string;
  readonly production: boolean;
  /** An origin, without a trailing slash. */
  readonly publicUrl: string;
}

/** The message names the variable and the cure, and never shows a value: one of them may be a password. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
}

const port = z
  .string()
  .regex(/^\d{1,5}$/)
  .transform(Number)
  .pipe(z.int().min(1).max(65_535));
const origin = z.url({ protocol: /^https?$/ }).refine((value) => {
  const url = new URL(value);
  return url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '';
});

const variables = z.object({
  PORT: port.default(3000),
  HOST: z.string().default('localhost'),
  ADAPTER: z.enum(['fastify', 'express']).default('fastify'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  DATA_DIR: z.string().default('.data'),
  EHR_SECRET: z.string().min(16).optional(),
  NODE_ENV: z.string().default('development'),
  PUBLIC_URL: origin.optional(),
});

const cures: Readonly<Record<keyof z.infer<typeof variables>, string>> = {
  PORT: 'a number from 1 to 65535',
  HOST: 'a host name or an address',
  ADAPTER: 'fastify or express',
  DATABASE_URL: 'a postgres:// address',
  DATA_DIR: 'a folder',
  EHR_SECRET: 'at least 16 characters',
  NODE_ENV: 'a word such as development or production',
  PUBLIC_URL: 'an http or https origin without a path',
};

/**
 * Reads the environment, and generates `EHR_SECRET` into `DATA_DIR/ehr-secret` where none is given. An empty variable counts
 * as not set.
 *
 * @throws {EnvironmentError} naming every variable that is wrong
 */
export async function readEnvironment(env: NodeJS.ProcessEnv = process.env): Promise<Environment> {
  const given = Object.fromEntries(Object.keys(cures).map((name) => [name, env[name] || undefined]));
  const parsed = variables.safeParse(given);
  if (!parsed.success) {
    const wrong = new Set(parsed.error.issues.map((issue) => String(issue.path[0])));
    const lines = [...wrong].map((name) => `${name} must be ${cures[name as keyof typeof cures]}.`);
    throw new EnvironmentError(lines.join(' '));
  }
  const value = parsed.data;
  return Object.freeze({
    port: value.PORT,
    host: value.HOST,
    adapter: value.ADAPTER,
    databaseUrl: value.DATABASE_URL ?? null,
    dataDir: value.DATA_DIR,
    ehrSecret: value.EHR_SECRET ?? (await keptSecret(value.DATA_DIR)),
    production: value.NODE_ENV === 'production',
    publicUrl: new URL(value.PUBLIC_URL ?? `http://localhost:${value.PORT}`).origin,
  });
}
