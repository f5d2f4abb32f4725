import type { Context } from 'hono';
import type { Language } from '../../model/contract/catalogue.ts';
import { TOO_LARGE_MESSAGE } from '../../model/photo/format.ts';
import { MAX_BODY_BYTES, type Problem, type ProblemCode, problemType } from '../contract.ts';
import { requestedLanguage } from './language.ts';
import { KOREAN_DETAILS, PROBLEM_KINDS } from './problem-kinds.ts';

export interface ProblemOptions extends ErrorOptions {
  /** Seconds after which it is worth trying again. @default - no `Retry-After` */
  readonly retryAfter?: number;
  /** Methods that the route does know, for a 405. @default - no `Allow` */
  readonly allow?: readonly string[];
  /** Further headers of the answer. @default - none */
  readonly headers?: Readonly<Record<string, string>>;
  /** Limits that were exceeded, by the names that `RateLimit-Policy` gives them. @default - none */
  readonly violatedPolicies?: readonly string[];
  /** The detail in Korean. @default - the one that all problems of this code share */
  readonly korean?: string;
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

/** Of a body that is longer than it may be: so is the photo in it, or there are too many. */
export const tooLarge = (mostBytes: number): ProblemError => {
  if (mostBytes === MAX_BODY_BYTES) return new ProblemError('too-large', TOO_LARGE_MESSAGE);
  const most = `${mostBytes / 2 ** 20} MiB`;
  return new ProblemError(
    'too-large',
    `The request is too large: all photos together may have at most ${most}. Send fewer at a time, or smaller versions of them.`,
    { korean: `요청 하나에 ${most}까지 받습니다. 나누어 보내거나 크기를 줄여서 보내 주세요.` },
  );
};

/** A problem as it is sent. */
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
