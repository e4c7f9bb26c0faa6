import { CountersignError } from '@countersign/core';

/** What we use of express-session. */
interface RotatableSession {
  regenerate(done: (error?: unknown) => void): unknown;
  save(done: (error?: unknown) => void): unknown;
}

/** Gives the session of express-session a new id: its data is copied over and saved before anything is replied. */
export async function rotateSession(request: object): Promise<void> {
  const session = sessionOf(request);
  const data = Object.entries(session).filter(([name]) => name !== 'cookie');
  await settled((done) => session.regenerate(done));
  const renewed = sessionOf(request);
  for (const [name, value] of data) Reflect.set(renewed, name, value);
  await settled((done) => renewed.save(done));
}

function sessionOf(request: object): RotatableSession {
  const session: unknown = Reflect.get(request, 'session');
  if (typeof session === 'object' && session !== null && 'regenerate' in session && 'save' in session) {
    return session as RotatableSession;
  }
  throw new CountersignError('configuration_invalid', {
    field: 'rotateHostSession',
    detail: 'rotateHostSession needs express-session: this session has no regenerate().',
  });
}

function settled(start: (done: (error?: unknown) => void) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error === undefined || error === null ? resolve() : reject(error)));
  });
}
