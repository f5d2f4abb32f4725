import { z } from 'zod';

/** Every error of the services is one of these; pages and clients may translate by it. */
export const PROBLEM_CODES = [
  'malformed-request',
  'too-slow',
  'missing-photo',
  'malformed-body',
  'unsupported-content-type',
  'empty',
  'too-large',
  'unsupported-format',
  'too-many-pixels',
  'unreadable',
  'endpoint-unavailable',
  'model-failed',
  'was-unavailable',
  'overloaded',
  'not-found',
  'method-not-allowed',
  'internal',
] as const;
export type ProblemCode = (typeof PROBLEM_CODES)[number];

/** The body of an error: `application/problem+json` (RFC 9457) with our code as an extension member. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  /** What happened, why, and what to do next. */
  detail: z.string(),
  code: z.enum(PROBLEM_CODES),
  /** Finds the request in the logs. */
  requestId: z.string().optional(),
});

export type Problem = z.infer<typeof problemSchema>;
