import { z } from 'zod';
import { MAX_PHOTO_BYTES } from '../model/photo/format.ts';
/** What the services, their clients, the cloud's definition and the local start agree on. */

export const WEB = { name: 'app-web', port: 8000 } as const;
export const WAS = { name: 'app-was', port: 8081 } as const;

/** The port is the one that SageMaker's hosting contract prescribes for a model container. */
export const ENDPOINT = { name: 'image-classifier', port: 8080 } as const;

/** Paths that one service calls on another. */
export const PATHS = { health: '/health', classify: '/classify/image' } as const;

/** The answer of the WAS to `GET /health`; the original's clients look for this text. */
export const WAS_HEALTH = { message: 'WAS-Connected' } as const;

/**
 * How a service ends after SIGTERM, in seconds: first it goes on as ever but asks for no more on its connections, then it
 * finishes what is in flight, then it is killed. ECS allows 120 s at most, and Fargate Spot gives notice of 120 s.
 */
export const STOP_SECONDS = { lameDuck: 5, inFlight: 20, killed: 30 } as const;

/** Room for what surrounds the photo in a body: multipart boundaries and headers, or JSON's other fields. */
const ENVELOPE_BYTES = 64 * 1024;

/**
 * Largest body of `POST /classify/image`, in bytes. Base64 inside JSON takes four bytes for three of the photo, so a
 * largest photo fits in either form; the photo itself is measured again once it is taken out of the body.
 */
export const MAX_BODY_BYTES = Math.ceil((MAX_PHOTO_BYTES * 4) / 3) + ENVELOPE_BYTES;

const description = z.object({ name: z.string(), description: z.string() });

const prediction = z.object({
  /** Index of the class in the model, from 0. */
  no: z.int().min(0),
  /** The class as the model calls it: the name of its folder of photos. */
  label: z.string(),
  /** The flower's name in the language of `Accept-Language`, English by default. */
  name: z.string(),
  /** The same in every language. */
  names: z.object({ en: z.string(), ko: z.string() }),
  /** Probability, 0 to 1. */
  acc: z.number().min(0).max(1),
});

/** `no` of a photo that shows none of the flowers: an index that no list of flowers has. */
export const UNKNOWN_NO = -1;

/**
 * The answer to `POST /classify/image`. A photo of something else is answered too, with `known: false`, `no: -1`, a
 * `name` that says so and `acc: 0`; the model's guesses are in `predictions`. `no`, `name`, `acc` and `description`
 * are the original API's; the rest is added and may grow.
 */
export const answerSchema = z.object({
  result: prediction.extend({
    no: z.int().min(UNKNOWN_NO),
    /** Whether the photo looks like any of the flowers. True for models that do not judge it. */
    known: z.boolean(),
    description: z.string(),
    /** Name and description in every language. */
    translations: z.object({ en: description, ko: description }),
    /** Every class, most probable first; the first is the result itself, when it is known. */
    predictions: z.array(prediction).min(1),
    model: z.object({ version: z.string() }),
  }),
});

export type Answer = z.infer<typeof answerSchema>;

/** The code of every error that a service answers; pages and clients may translate by it. */
export const PROBLEM_CODES = [
  'malformed-request',
  'headers-too-large',
  'expectation-failed',
  'unsupported-transfer-coding',
  'too-slow',
  'missing-photo',
  'too-many-photos',
  'malformed-body',
  'unsupported-content-type',
  'empty',
  'too-large',
  'unsupported-format',
  'too-few-pixels',
  'too-many-pixels',
  'too-costly',
  'unreadable',
  'endpoint-unavailable',
  'model-failed',
  'was-unavailable',
  'overloaded',
  'rate-limited',
  'unauthorized',
  'not-found',
  'method-not-allowed',
  'internal',
] as const;
export type ProblemCode = (typeof PROBLEM_CODES)[number];

/** The `type` of a problem, the same in every language. */
export const problemType = (code: ProblemCode): string => `urn:bloomstack:problem:${code}`;

/** The body of an error: `application/problem+json` (RFC 9457) with our code as an extension member. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  /** What happened, why, and what to do next. */
  detail: z.string(),
  code: z.enum(PROBLEM_CODES),
  /** Of a 429: the limits that were exceeded, by the names that `RateLimit-Policy` gives them. */
  'violated-policies': z.array(z.string()).readonly().optional(),
  /** Finds the request in the logs. */
  requestId: z.string().optional(),
});

export type Problem = z.infer<typeof problemSchema>;
