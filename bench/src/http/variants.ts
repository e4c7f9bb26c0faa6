import type { Served } from './served.ts';

type Accessing = Parameters<typeof import('./fastify-servers.ts').guardedFastify>[1];

// Loaded where it is wanted: no server has another's code in its memory.
const fastify = () => import('./fastify-servers.ts');
const express = () => import('./express-servers.ts');
const betterAuth = async (database: string, cookieCache: boolean) =>
  (await import('./better-auth-server.ts')).betterAuthFastify(database, cookieCache);
const guardedFastify = async (database: string, audit: Accessing) => (await fastify()).guardedFastify(database, audit);
const guardedExpress = async (database: string, audit: Accessing) => (await express()).guardedExpress(database, audit);

/** One route, served in all the ways that are compared. Each runs in a process and, where it needs one, on a database of its own. */
export const variants = {
  'fastify bare': async () => (await fastify()).bareFastify(),
  'fastify session, defaults': async () => (await fastify()).sessionFastify('defaults'),
  'fastify session': async () => (await fastify()).sessionFastify('lean'),
  'fastify guarded, no access audit': (database) => guardedFastify(database, 'none'),
  'fastify guarded, batched audit': (database) => guardedFastify(database, 'batched'),
  'fastify guarded, awaited audit': (database) => guardedFastify(database, 'awaited'),
  'home-made check': async (database) => (await fastify()).homeMadeFastify(database, false),
  'home-made check and audit': async (database) => (await fastify()).homeMadeFastify(database, true),
  'better-auth': (database) => betterAuth(database, false),
  'better-auth, cookie cache': (database) => betterAuth(database, true),
  'express bare': async () => (await express()).bareExpress(),
  'express session, defaults': async () => (await express()).sessionExpress('defaults'),
  'express session': async () => (await express()).sessionExpress('lean'),
  'express guarded, no access audit': (database) => guardedExpress(database, 'none'),
  'express guarded, batched audit': (database) => guardedExpress(database, 'batched'),
  'express guarded, awaited audit': (database) => guardedExpress(database, 'awaited'),
} as const satisfies Record<string, (databaseUrl: string) => Promise<Served>>;

export type VariantName = keyof typeof variants;
export const variantNames = Object.keys(variants) as VariantName[];
