import { type ErrorCode, errorCodes } from '@countersign/core';
import { z } from 'zod';

const codes = Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]];

export const errorCodeSchema = z.enum(codes).describe('Closed within a release; a later release may add to it.');

/** What `guard/refusal.ts` and `problemReply` write, in one schema: which members there are follows from `code`. */
export const problemSchema = z.looseObject({
  type: z.string().describe('`urn:countersign:error:` and the code'),
  title: z.string().describe('The same for every occurrence of the code'),
  status: z.int(),
  code: errorCodeSchema,
  detail: z.string(),
  field: z.string().optional().describe('The member of the request that is at fault'),
  cure: z.string().optional().describe('What to do about it, in a sentence'),
  problems: z.array(z.looseObject({ field: z.string(), problem: z.string() })).optional(),
  retryAfterSeconds: z.number().optional().describe('As the header `Retry-After`'),
  attemptsLeft: z.int().optional().describe('Tries before the factor is locked'),
  reasons: z
    .array(
      z.looseObject({
        kind: z.string().describe('`missing`, `expired`, `too-weak`, or why nothing would help'),
        category: z.string().optional(),
        strength: z.string().optional(),
        graceSeconds: z.number().optional(),
      }),
    )
    .optional(),
  challengeId: z.string().optional().describe('The challenge to answer'),
  challengeUrl: z.string().optional().describe('Its page, for a browser'),
  apiUrl: z.string().optional().describe('Where this interface is'),
  factors: z.array(z.string()).optional().describe('Kinds of factor that can answer, the preferred first'),
  expiresAt: z.iso.datetime().optional().describe('When the challenge ends'),
  emergencyUrl: z.string().optional().describe('Where emergency access is asked for, where this person may'),
  enrolmentUrl: z.string().optional().describe('Where a factor is enrolled, with `factor_required`'),
});
