import { z } from 'zod';

/** The id of a challenge, as we make them. */
export const challengeId = z.string('a challenge id is needed').regex(/^[A-Za-z0-9_-]{22}$/, 'this is no challenge id');
/** The id of a kind of factor. */
export const factorId = z.string('a factor is needed, as text').regex(/^[a-z0-9-]{1,32}$/, 'this is no factor');
/** The id of one of a user's factors. */
export const rowId = z.uuid('this is no factor');
/** Longer than any answer to a code field, shorter than what would be worth sending in bulk. Checked in full by the factor. */
export const code = z.string('a code is needed, as text').max(64, 'a code is much shorter');
export const password = z.string('a password is needed, as text').max(1024, 'a password is shorter');
/** What an authenticator or another site answered: an object, or from a form its JSON text. Checked in full by the factor. */
export const response = z.union(
  [z.record(z.string(), z.unknown()), z.string().max(16_384)],
  'the answer of the authenticator is needed, as JSON',
);
/** What a person calls a factor. */
export const label = z.string('a name is needed, as text').max(200, 'a name is much shorter');
export const enrolmentCode = z
  .string('the administrator’s code is needed, as text')
  .max(64, 'the administrator’s code is much shorter');
export const returnQuery = z.object({ returnTo: z.string().max(2000).optional().catch(undefined) });
