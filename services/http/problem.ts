import type { Context } from 'hono';
import { TOO_LARGE_MESSAGE } from '../../model/photo/format.ts';
import type { Problem, ProblemCode } from '../contract.ts';

/** Status and title of each code (RFC 9110 for the statuses). */
const KINDS = {
  'malformed-request': [400, 'The request cannot be read'],
  'too-slow': [408, 'The request took too long'],
  'missing-photo': [400, 'No photo in the request'],
  'too-many-photos': [400, 'More than one photo in the request'],
  'malformed-body': [400, 'The request body cannot be read'],
  'unsupported-content-type': [415, 'Unsupported Content-Type'],
  empty: [400, 'The photo is empty'],
  'too-large': [413, 'The photo is too large'],
  'unsupported-format': [415, 'Not an accepted photo format'],
  'too-many-pixels': [422, 'The photo has too many pixels'],
  'too-few-pixels': [422, 'The photo has too few pixels'],
  'too-costly': [422, 'The photo takes too long to decode'],
  unreadable: [422, 'The photo cannot be decoded'],
  'endpoint-unavailable': [503, 'The classifier is not available'],
  'model-failed': [502, 'The classifier failed'],
  'was-unavailable': [503, 'The application service is not available'],
  overloaded: [503, 'Too many requests at once'],
  'not-found': [404, 'Not found'],
  'method-not-allowed': [405, 'Method not allowed'],
  internal: [500, 'Internal error'],
} as const satisfies Record<ProblemCode, readonly [number, string]>;

export interface ProblemOptions extends ErrorOptions {
  /** Seconds after which it is worth trying again. @default - no `Retry-After` */
  readonly retryAfter?: number;
  /** Methods that the route does know, for a 405. @default - no `Allow` */
  readonly allow?: readonly string[];
}

/**
 * An error that is shown to the client as it is.
 *
 * @example
 * const problem = new ProblemError('overloaded', 'Too many photos. Try again in a second.', { retryAfter: 1 });
 * [problem.status, problem.headers]; // => [503, { 'Retry-After': '1' }]
 */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly code: ProblemCode;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  /** @param detail what happened, why, and what to do next */
  constructor(code: ProblemCode, detail: string, { retryAfter, allow, ...options }: ProblemOptions = {}) {
    super(detail, options);
    this.code = code;
    this.status = KINDS[code][0];
    this.headers = {
      ...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) }),
      ...(allow && { Allow: allow.join(', ') }),
    };
  }
}

/** Of a photo, or of a body so long that the photo in it is. */
export const tooLarge = (): ProblemError => new ProblemError('too-large', TOO_LARGE_MESSAGE);

/** A problem as it is sent. */
export const problemBody = ({ code, message, status }: ProblemError, requestId?: string): Problem => ({
  type: `urn:bloomstack:problem:${code}`,
  title: KINDS[code][1],
  status,
  detail: message,
  code,
  ...(requestId !== undefined && { requestId }),
});

/** Answers a request with a problem (RFC 9457) that carries the request's id. */
export const respondWithProblem = (context: Context, problem: ProblemError): Response => {
  const requestId: unknown = context.get('requestId');
  const known = typeof requestId === 'string';
  const body = problemBody(problem, known ? requestId : undefined);
  const { status, headers } = problem;
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      ...headers,
      ...(known && { 'X-Request-Id': requestId }),
      'Content-Type': 'application/problem+json',
    },
  });
};
