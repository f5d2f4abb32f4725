import { z } from 'zod';
import { accuracySchema } from '../model/contract/catalogue.ts';
import { MAX_PHOTO_BYTES } from '../model/photo/format.ts';
/** What the services, their clients, the stack and `npm start` agree on. */

export const WEB = { name: 'app-web', port: 8000 } as const;
export const WAS = { name: 'app-was', port: 8081 } as const;

/** The port is the one that SageMaker's hosting contract prescribes for a model container. */
export const ENDPOINT = { name: 'image-classifier', port: 8080 } as const;

/** Paths that one service calls on another. */
export const PATHS = {
  health: '/health',
  classify: '/classify/image',
  classifications: '/v1/classifications',
  model: '/v1/model',
} as const;

/** The WAS's answer to `GET /health`; the original API's clients look for this text. */
export const WAS_HEALTH = { message: 'WAS-Connected' } as const;

/**
 * How a service shuts down after SIGTERM, in seconds: first it keeps serving but asks clients to close their
 * connections, then it finishes what is in flight, then it is killed. ECS allows at most 120 s, the notice that Fargate
 * Spot gives.
 */
export const STOP_SECONDS = { lameDuck: 5, inFlight: 20, killed: 30 } as const;

/** Allowance for what surrounds the photo in a body: multipart boundaries and headers, or JSON's other fields. */
const ENVELOPE_BYTES = 64 * 1024;

/**
 * Largest body of `POST /classify/image`, in bytes. Base64 in JSON takes four bytes for three, so the largest photo
 * fits either way; the size of the photo itself is checked again after it is extracted.
 */
export const MAX_BODY_BYTES = Math.ceil((MAX_PHOTO_BYTES * 4) / 3) + ENVELOPE_BYTES;

/** Limits of one `POST /v1/classifications`: photos, and bytes of its body. A task has 128 MiB for all uploads together. */
export const MAX_PHOTOS = 32;
export const MAX_PHOTOS_BODY_BYTES = 64 * 1024 * 1024;

/** Photos per call of the endpoint: TensorFlow Serving refuses more (`maxBatchSize` in model/serving). */
export const MAX_BATCH_SIZE = 8;

const inLanguages = z.object({ en: z.string(), ko: z.string() });
const answeredBy = z.object({ version: z.string() });
const description = z.object({ name: z.string(), description: z.string() });

const modelClass = z.object({
  no: z.int().min(0).describe('Index of the class in the model, from 0'),
  label: z.string().describe("The model's name for the class: its folder of photos"),
  names: inLanguages.describe('Its name in every language'),
});

const prediction = modelClass.extend({
  name: z.string().describe('Its name in the language of Accept-Language, English by default'),
  acc: z.number().min(0).max(1).describe('Probability, 0 to 1'),
});

/** `no` of a photo that shows none of the classes: no class has this index. */
export const UNKNOWN_NO = -1;

/**
 * The answer to `POST /classify/image`. For a photo of something else it has `known: false`, `no: -1`, a `name` that
 * says so and `acc: 0`; the model's guesses are in `predictions`. `no`, `name`, `acc` and `description` are the
 * original API's; the rest was added and may grow.
 */
const resultSchema = prediction
  .extend({
    no: z.int().min(UNKNOWN_NO).describe('-1 when the photo shows none of the classes'),
    known: z
      .boolean()
      .describe('Whether the photo looks like any of the classes; true for models that cannot tell'),
    description: z.string(),
    translations: z.object({ en: description, ko: description }).describe('The same in every language'),
    predictions: z
      .array(prediction)
      .min(1)
      .describe('Most probable first; if known, the first is the result'),
    model: answeredBy,
  })
  .meta({ id: 'Result' });

const mapSchema = z
  .array(z.array(z.number().min(0)).readonly())
  .readonly()
  .optional()
  .describe('How much each part of the centre square contributes to the class, 0 to 1');

export const answerSchema = z.object({ result: resultSchema, map: mapSchema }).meta({ id: 'Answer' });

export type Answer = z.infer<typeof answerSchema>;

/** The codes of all errors that a service answers with; pages and clients may translate them. */
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
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('What happened, why, and what to do next'),
    code: z.enum(PROBLEM_CODES),
    /** With a 429: the limits that were exceeded, by their names in `RateLimit-Policy`. */
    'violated-policies': z.array(z.string()).readonly().optional(),
    requestId: z.string().optional().describe('Finds the request in the logs'),
    retryAfter: z.int().optional().describe('Seconds until a retry may succeed'),
  })
  .meta({ id: 'Problem' });

export type Problem = z.infer<typeof problemSchema>;

export const classificationsQuery = z.object({
  top: z.coerce.number().int().min(1).max(100).default(5).describe('Predictions per photo, at most'),
  map: z
    .enum(['true', 'false'])
    .default('false')
    .describe('Whether to answer with a map, if the model has one'),
});

const timingsSchema = z.record(z.enum(['receive', 'decode', 'invoke', 'total']), z.number().min(0));
const place = z.object({ index: z.int().min(0).describe('Place in the request, from 0') });
const size = z.object({ width: z.int().min(1), height: z.int().min(1) });
const itemSchema = z.union([
  place.extend({
    photo: size.describe('In pixels, after the orientation of its EXIF data'),
    result: resultSchema,
    map: mapSchema,
  }),
  place.extend({ problem: problemSchema }),
]);
export type ClassificationItem = z.infer<typeof itemSchema>;

/** The answer to `POST /v1/classifications`: each photo has a result or a problem, in the order of the request. */
export const classificationsSchema = z
  .object({
    results: z.array(itemSchema).min(1).max(MAX_PHOTOS),
    model: answeredBy.optional().describe('The model that answered last; absent if there is no result'),
    timings: timingsSchema.describe('Milliseconds. Decoding and inference overlap'),
  })
  .meta({ id: 'Classifications' });

export type Classifications = z.infer<typeof classificationsSchema>;

/** The answer to `GET /v1/model`: the model in service. */
export const modelSchema = z
  .object({
    version: z.string(),
    title: inLanguages.optional().describe('What the model is called, if it says so'),
    hint: inLanguages.optional().describe('What to photograph, and how, if it says so'),
    accuracy: accuracySchema.optional().describe('How it did on its test photos, if it says so'),
    classes: z.array(modelClass).min(1),
    languages: z.array(z.string()),
    limits: z.object({
      photosPerRequest: z.int(),
      requestBytes: z.int(),
      photoBytes: z.int(),
      photoPixels: z.int(),
      photoMinSide: z.int(),
      photoMediaTypes: z.array(z.string()),
    }),
  })
  .meta({ id: 'Model' });

export type Model = z.infer<typeof modelSchema>;
