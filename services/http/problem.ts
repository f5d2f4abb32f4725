import type { Context, ErrorHandler, NotFoundHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { Logger } from 'pino';
import type { Problem, ProblemCode } from '../contract/problem.ts';

/** Status and title of each code (RFC 9110 for the statuses). */
const KINDS = {
  'malformed-request': [400, 'The request cannot be read'],
  'too-slow': [408, 'The request took too long'],
  'missing-photo': [400, 'No photo in the request'],
  'malformed-body': [400, 'The request body cannot be read'],
  'unsupported-content-type': [415, 'Unsupported Content-Type'],
  empty: [400, 'The photo is empty'],
  'too-large': [413, 'The photo is too large'],
  'unsupported-format': [415, 'Not an accepted photo format'],
  'too-many-pixels': [422, 'The photo has too many pixels'],
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
  /** Seconds after which it is worth trying again. */
  readonly retryAfter?: number;
  /** Methods that the route does know, for a 405. */
  readonly allow?: readonly string[];
}

/** An error that is shown to the client as it is. */
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

/** A problem as it is sent. */
export const problemBody = ({ code, message, status }: ProblemError, requestId?: string): Problem => ({
  type: `urn:bloomstack:problem:${code}`,
  title: KINDS[code][1],
  status,
  detail: message,
  code,
  ...(requestId !== undefined && { requestId }),
});

/** Answers with a problem (RFC 9457). */
export const respondWithProblem = (context: Context, problem: ProblemError) => {
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

const toProblem = (error: Error): ProblemError => {
  if (error instanceof ProblemError) return error;
  if (error instanceof HTTPException && error.status < 500) {
    return new ProblemError('malformed-body', error.message || 'The request cannot be read.', {
      cause: error,
    });
  }
  return new ProblemError(
    'internal',
    'Something went wrong on our side. Try again; if it stays, report the requestId.',
    {
      cause: error,
    },
  );
};

/** `app.onError`: every error becomes a problem; those of our own making are logged with their cause. */
export const onError =
  (log: Logger): ErrorHandler =>
  (error, context) => {
    const problem = toProblem(error);
    const requestId: unknown = context.get('requestId');
    const fields = { requestId, code: problem.code, status: problem.status, err: problem.cause ?? problem };
    if (problem.status >= 500) log.error(fields, problem.message);
    else log.info({ ...fields, err: undefined }, problem.message);
    return respondWithProblem(context, problem);
  };

/** `app.notFound` */
export const onNotFound: NotFoundHandler = (context) =>
  respondWithProblem(
    context,
    new ProblemError('not-found', `There is no ${context.req.method} ${context.req.path} here.`),
  );
