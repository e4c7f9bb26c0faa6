import { CountersignError } from '@countersign/core';
import type { FastifyRequest } from 'fastify';

/** What we use of @fastify/session. */
interface RotatableSession {
  regenerate(keep: string[]): Promise<void>;
  save(): Promise<void>;
}

/** Gives the session of @fastify/session a new id: every key of its data is kept, and it is saved before anything is replied. */
export async function rotateSession(request: FastifyRequest): Promise<void> {
  const session: unknown = Reflect.get(request, 'session');
  if (!isRotatable(session)) {
    throw new CountersignError('configuration_invalid', {
      field: 'rotateHostSession',
      detail: 'rotateHostSession needs @fastify/session: this session has no regenerate().',
    });
  }
  await session.regenerate(Object.keys(session).filter((key) => key !== 'cookie'));
  // After regenerate() the request holds a new session object.
  const renewed: unknown = Reflect.get(request, 'session');
  if (isRotatable(renewed)) await renewed.save();
}

function isRotatable(session: unknown): session is RotatableSession {
  return typeof session === 'object' && session !== null && 'regenerate' in session && 'save' in session;
}
