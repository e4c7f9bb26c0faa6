import { MessagePage } from '../pages/message-page.tsx';
import type { Fhir } from './fhir.ts';
import { page, problem, type Reply } from './reply.ts';

const texts: Readonly<Record<number, readonly [title: string, text: string, fhirCode: string]>> = {
  400: ['Bad request', 'The request could not be understood.', 'invalid'],
  401: ['Sign in first', 'This needs a person who is signed in.', 'login'],
  403: [
    'Form not accepted',
    'This form was not made for your session, or it is too old. Go back, reload the page, and send it again.',
    'forbidden',
  ],
  404: ['Not found', 'There is no such page, or nothing here that you may see.', 'not-found'],
  413: ['Too large', 'The request holds more than this server takes.', 'too-long'],
  415: ['Unsupported content type', 'Send a form or application/json.', 'not-supported'],
};
const unexpected = [
  'Something went wrong',
  'The server could not do this. It has been noted; please try again.',
  'exception',
] as const;

/** Answers a refusal or a fault in the face that the path belongs to. Says nothing of the fault itself. */
export function createFaultReply(fhir: Pick<Fhir, 'failure'>): (status: number, path: string) => Reply {
  return (given, path) => {
    const status = given >= 400 && given < 500 ? given : 500;
    const [title, text, fhirCode] = texts[status] ?? (status === 500 ? unexpected : (texts[400] ?? unexpected));
    const face = /^\/(api|fhir)(?=\/|\?|$)/i.exec(path)?.[1]?.toLowerCase();
    if (face === 'fhir') return fhir.failure(status, fhirCode, text);
    if (face === 'api') return problem(status, title, { detail: text });
    return page(
      <MessagePage title={title} visit={null}>
        <p>{text}</p>
      </MessagePage>,
      status,
    );
  };
}

/** What of an error may be logged. Drizzle's messages hold the bound parameters, so the driver's error below is taken. */
export function loggable(error: unknown): { readonly name: string; readonly message: string; readonly stack?: string } {
  const cause = error instanceof Error && error.message.startsWith('Failed query') ? error.cause : error;
  if (!(cause instanceof Error)) return { name: 'unknown', message: 'An error without a message.' };
  const { name, message, stack } = cause;
  return { name, message, ...(stack === undefined ? {} : { stack }) };
}
