import type { Context } from 'hono';
import type { Language } from '../../model/contract/catalogue.ts';
import { TOO_LARGE_MESSAGE } from '../../model/photo/format.ts';
import { MAX_BODY_BYTES, type Problem, type ProblemCode, problemType } from '../contract.ts';
import { requestedLanguage } from './language.ts';
import { KOREAN_DETAILS, PROBLEM_KINDS } from './problem-kinds.ts';

export interface ProblemOptions extends ErrorOptions {
  /** Seconds until a retry may succeed. @default - no `Retry-After` */
  readonly retryAfter?: number;
  /** Methods that the route supports, for a 405. @default - no `Allow` */
  readonly allow?: readonly string[];
  /** More headers for the answer. @default - none */
  readonly headers?: Readonly<Record<string, string>>;
  /** Limits that were exceeded, by their names in `RateLimit-Policy`. @default - none */
  readonly violatedPolicies?: readonly string[];
  /** The detail in Korean. @default - the one shared by all problems of this code */
  readonly korean?: string;
}

/**
 * An error whose message is sent to the client.
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
  readonly korean: string;
  readonly violatedPolicies: readonly string[] | undefined;
  readonly retryAfter: number | undefined;

  /** @param detail what happened, why, and what to do next */
  constructor(
    code: ProblemCode,
    detail: string,
    {
      retryAfter,
      allow,
      headers,
      violatedPolicies,
      korean = KOREAN_DETAILS[code],
      ...options
    }: ProblemOptions = {},
  ) {
    super(detail, options);
    this.korean = korean;
    this.retryAfter = retryAfter;
    this.code = code;
    this.status = PROBLEM_KINDS[code][0];
    this.violatedPolicies = violatedPolicies;
    this.headers = {
      ...headers,
      ...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) }),
      ...(allow && { Allow: allow.join(', ') }),
    };
  }
}

/** The client has closed its connection, so nothing can be answered. */
export class ClientDisconnected extends Error {
  override readonly name = 'ClientDisconnected';
  constructor() {
    super('The client closed its connection.');
  }
}

/** The problem of a body above its limit: one photo that is too large, or too many photos. */
export const tooLarge = (maxBytes: number): ProblemError => {
  if (maxBytes === MAX_BODY_BYTES) return new ProblemError('too-large', TOO_LARGE_MESSAGE);
  const most = `${maxBytes / 2 ** 20} MiB`;
  return new ProblemError(
    'too-large',
    `The request is too large: all photos together may be at most ${most}. Send fewer at a time, or smaller versions of them.`,
    { korean: `요청 하나에 ${most}까지 받습니다. 나누어 보내거나 크기를 줄여서 보내 주세요.` },
  );
};

/** The body that is sent for a problem. */
export const problemBody = (
  { code, message, korean, status, retryAfter, violatedPolicies }: ProblemError,
  { language = 'en', requestId }: { language?: Language; requestId?: string | undefined } = {},
): Problem => ({
  type: problemType(code),
  title: PROBLEM_KINDS[code][language === 'ko' ? 2 : 1],
  status,
  detail: language === 'ko' ? korean : message,
  code,
  ...(violatedPolicies && { 'violated-policies': violatedPolicies }),
  ...(requestId !== undefined && { requestId }),
  ...(retryAfter !== undefined && { retryAfter }),
});

/** The answer to a request with a problem (RFC 9457), in one of the languages. */
export const problemAnswer = (
  problem: ProblemError,
  { language = 'en', requestId }: { language?: Language; requestId?: string | undefined } = {},
) => ({
  status: problem.status,
  body: JSON.stringify(problemBody(problem, { language, requestId })),
  headers: {
    ...problem.headers,
    ...(requestId !== undefined && { 'X-Request-Id': requestId }),
    'Content-Type': 'application/problem+json',
    'Content-Language': language,
    Vary: 'Accept-Language',
  },
});

/** Answers a request with a problem that carries the request's id, in the language that it asks for. */
export const respondWithProblem = (context: Context, problem: ProblemError): Response => {
  const id: unknown = context.get('requestId');
  const requestId = typeof id === 'string' ? id : undefined;
  const language = requestedLanguage(context.req.header('Accept-Language'));
  const { body, ...init } = problemAnswer(problem, { language, requestId });
  return new Response(body, init);
};
