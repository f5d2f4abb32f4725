import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Hono } from 'hono';
import { etag } from 'hono/etag';
import { describeRoute, type GenerateSpecOptions, generateSpecs, resolver } from 'hono-openapi';
import { z } from 'zod';
import {
  MAX_PHOTO_BYTES,
  MAX_PHOTO_PIXELS,
  MIN_PHOTO_SIDE,
  PHOTO_MEDIA_TYPES,
} from '../../model/photo/format.ts';
import {
  answerSchema,
  classificationsQuery,
  classificationsSchema,
  MAX_PHOTOS,
  MAX_PHOTOS_BODY_BYTES,
  modelSchema,
  PROBLEM_CODES,
  type ProblemCode,
  problemSchema,
} from '../contract.ts';
import type { App } from '../http/app.ts';
import { ProblemError, problemBody } from '../http/problem.ts';
import { PROBLEM_KINDS } from '../http/problem-kinds.ts';

/** What a description of a route is made of. */
type Route = Parameters<typeof describeRoute>[0];
type Responses = NonNullable<Route['responses']>;

/** zod writes the bounds of a safe integer, which say nothing. */
const override = ({ jsonSchema }: { jsonSchema: { minimum?: number; maximum?: number } }) => {
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
};
const inDocument = (schema: z.ZodType) => resolver(schema, { options: { override } });

/** The page's own words for each code. */
const { PROBLEMS } = z
  .object({ PROBLEMS: z.object({ en: z.record(z.string(), z.string()) }) })
  .parse(await import(new URL('./public/problems.js', import.meta.url).href));

const MEBIBYTE = 2 ** 20;
const example = (code: ProblemCode) => {
  const detail = (PROBLEMS.en[code] ?? '').replace('{limit}', `${MAX_PHOTO_BYTES / MEBIBYTE} MiB`);
  const requestId = '1-67891233-abcdef012345678912345678';
  return {
    summary: PROBLEM_KINDS[code][1],
    value: problemBody(new ProblemError(code, detail), { requestId }),
  };
};

const header = (description: string) => ({ description, schema: { type: 'string' } as const });
const HEADERS = {
  'X-Request-Id': header('Finds the request in the logs; yours, if you send one'),
  'Content-Language': header('en or ko'),
};
const MORE_HEADERS: Readonly<Record<number, Record<string, ReturnType<typeof header>>>> = {
  401: { 'WWW-Authenticate': header('Bearer, with error="invalid_token" if the key is not known') },
  405: { Allow: header('The methods that there are') },
  429: {
    'Retry-After': header('Seconds'),
    RateLimit: header('What is left, as r, and seconds until it is full again, as t'),
    'RateLimit-Policy': header('Photos, as q, in seconds, as w'),
  },
  503: { 'Retry-After': header('Seconds') },
};

/** What any route may answer; the server itself or the firewall does. */
const ANYWHERE: readonly ProblemCode[] = [
  'malformed-request',
  'headers-too-large',
  'expectation-failed',
  'unsupported-transfer-coding',
  'too-slow',
  'method-not-allowed',
  'rate-limited',
  'internal',
];

/** The problems of a route by their status, with an example for each code. */
const problems = (...codes: readonly ProblemCode[]): Responses => {
  const all = [...ANYWHERE, ...codes];
  const statuses = [...new Set(all.map((code) => PROBLEM_KINDS[code][0]))].sort();
  return Object.fromEntries(
    statuses.map((status) => {
      const some = all.filter((code) => PROBLEM_KINDS[code][0] === status);
      const response = {
        description: some.map((code) => PROBLEM_KINDS[code][1]).join('; '),
        headers: { ...HEADERS, ...MORE_HEADERS[status] },
        content: {
          'application/problem+json': {
            schema: inDocument(problemSchema),
            examples: Object.fromEntries(some.map((code) => [code, example(code)])),
          },
        },
      };
      return [status, response];
    }),
  );
};

const ok = (description: string, schema: z.ZodType): Responses => ({
  200: { description, headers: HEADERS, content: { 'application/json': { schema: inDocument(schema) } } },
});

const BINARY = { type: 'string', format: 'binary' } as const;
const BASE64 = { type: 'string', description: 'Base64, or a base64 data URL' } as const;
/** A photo itself as the body: of these types, any other image type, or none. */
const RAW = Object.fromEntries(
  [...PHOTO_MEDIA_TYPES, 'image/*', 'application/octet-stream'].map((type) => [type, { schema: BINARY }]),
);

/** A form or JSON with one required field. */
const body = (
  field: string,
  form: object,
  jsonField: string,
  json: object,
): NonNullable<Route['requestBody']> => {
  const one = (name: string, schema: object) => ({
    schema: { type: 'object' as const, properties: { [name]: schema }, required: [name] },
  });
  return {
    required: true,
    content: { 'multipart/form-data': one(field, form), 'application/json': one(jsonField, json), ...RAW },
  };
};
const list = (items: object) => ({ type: 'array', items, minItems: 1, maxItems: MAX_PHOTOS });

const query = Object.entries(z.toJSONSchema(classificationsQuery).properties ?? {}).map(([name, schema]) => ({
  ...{ name, in: 'query' as const },
  ...z.object({ description: z.string() }).parse(schema),
  schema: z.looseObject({}).parse(schema),
}));

const UPLOAD: readonly ProblemCode[] = [
  'missing-photo',
  'too-many-photos',
  'malformed-body',
  'unsupported-content-type',
  'too-large',
  'overloaded',
  'was-unavailable',
];
const MODEL: readonly ProblemCode[] = ['endpoint-unavailable', 'model-failed'];
const PHOTO: readonly ProblemCode[] = [
  'empty',
  'unsupported-format',
  'too-few-pixels',
  'too-many-pixels',
  'too-costly',
  'unreadable',
];

/** Needs no key, where there are any. */
const OPEN: Route = { security: [] };

/** What a program may ask; the pages describe themselves. */
export const ROUTES = {
  classifyOne: {
    ...OPEN,
    summary: 'Classify a photo',
    description: 'The route of the original. It takes one photo, and answers with all classes.',
    requestBody: body('file', BINARY, 'image', BASE64),
    responses: { ...ok('What the photo shows', answerSchema), ...problems(...UPLOAD, ...PHOTO, ...MODEL) },
  },
  classifyMany: {
    summary: `Classify 1 to ${MAX_PHOTOS} photos`,
    description: `Answers 200 as soon as the request can be read, with a result or a problem for each photo, in order: a bad photo spoils no other. At most ${MAX_PHOTOS_BODY_BYTES / MEBIBYTE} MiB in all. A problem with \`retryAfter\` is worth trying again, with that photo alone. Nothing is stored, so a request may be repeated as it is: an \`Idempotency-Key\` is not needed, and ignored.`,
    parameters: query,
    requestBody: body('files', list(BINARY), 'images', list(BASE64)),
    responses: {
      ...ok('What the photos show', classificationsSchema),
      ...problems(...UPLOAD, 'unauthorized'),
    },
  },
  model: {
    ...OPEN,
    summary: 'What the model knows',
    responses: {
      ...ok('The model that answers at present, and the limits', modelSchema),
      ...problems(...MODEL, 'overloaded', 'was-unavailable'),
      304: { description: 'As you have it (If-None-Match)' },
    },
  },
  health: {
    ...OPEN,
    summary: 'Whether this service is up',
    responses: { ...ok('It is', z.object({ status: z.literal('ok') })), ...problems() },
  },
  version: {
    ...OPEN,
    summary: 'The version of this service',
    responses: { ...ok('The version', z.object({ version: z.string() })), ...problems() },
  },
  wasHealth: {
    ...OPEN,
    summary: 'Whether the application service is reached',
    responses: {
      ...ok('It is', z.object({ 'was-health': z.object({ message: z.string() }) })),
      ...problems('was-unavailable'),
    },
  },
  document: {
    ...OPEN,
    summary: 'This document',
    responses: { ...ok('OpenAPI 3.1', z.looseObject({ openapi: z.string() })), ...problems() },
  },
} satisfies Record<string, Route>;

/** The description of a page. */
export const describePage = (path: string) =>
  describeRoute({
    ...OPEN,
    summary: `A page for people: ${path}`,
    responses: { 200: { description: 'HTML', content: { 'text/html': {} } }, ...problems() },
  });

const ERRORS = PROBLEM_CODES.map((code) => {
  const [status, title] = PROBLEM_KINDS[code];
  return `| \`${code}\` | ${status} | ${title} |`;
}).join('\n');

const documentation = (version: string, hasKeys: boolean): GenerateSpecOptions['documentation'] => ({
  info: {
    title: 'Bloomstack',
    version,
    description: `Names what is in a photo.

A photo is one still JPEG, PNG or WebP of at most ${MAX_PHOTO_BYTES / MEBIBYTE} MiB and ${MAX_PHOTO_PIXELS / 1e6} million pixels, and at least ${MIN_PHOTO_SIDE} pixels on each side. Its content counts, not its name. Names, descriptions and errors are in English or Korean, as \`Accept-Language\` asks.

Errors are \`application/problem+json\` (RFC 9457). \`code\` is for programs:

| code | status | meaning |
| --- | --- | --- |
${ERRORS}`,
  },
  servers: [{ url: '/' }],
  ...(hasKeys && {
    security: [{ key: [] }],
    components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
  }),
});

const require = createRequire(import.meta.url);
const { version: swaggerVersion } = z
  .object({ version: z.string() })
  .parse(require('swagger-ui-dist/package.json'));
/** Where the files of Swagger UI are: a new version has a new address. */
export const SWAGGER_PATH = `/assets/swagger-ui-${swaggerVersion}`;
const SWAGGER_FILES = { 'swagger-ui.css': 'text/css', 'swagger-ui-bundle.js': 'text/javascript' };

export interface ReferenceOptions {
  /** All routes of it are described. */
  readonly app: App;
  readonly version: string;
  readonly hasKeys: boolean;
}

/** `GET /openapi.json`, and what the page `/docs` loads to show it: large files, packed once. */
export const createReference = ({ app, version, hasKeys }: ReferenceOptions): Hono => {
  const reference = new Hono();
  let document: ReturnType<typeof generateSpecs> | undefined;
  reference.get('/openapi.json', describeRoute(ROUTES.document), etag(), async (context) => {
    document ??= generateSpecs(app, {
      documentation: documentation(version, hasKeys),
      excludeStaticFile: false,
      exclude: /^\/assets\//,
    });
    return context.json(await document, 200, { 'Cache-Control': 'no-cache' });
  });
  for (const [name, type] of Object.entries(SWAGGER_FILES)) {
    const bytes = readFileSync(require.resolve(`swagger-ui-dist/${name}`));
    let packed: Promise<Buffer> | undefined;
    reference.get(`${SWAGGER_PATH}/${name}`, async (context) => {
      const takesGzip = /\bgzip\b/.test(context.req.header('Accept-Encoding') ?? '');
      if (takesGzip) packed ??= promisify(gzip)(bytes);
      return context.body(new Uint8Array((takesGzip && (await packed)) || bytes), 200, {
        'Content-Type': `${type}; charset=utf-8`,
        'Cache-Control': 'public, max-age=31536000, immutable',
        Vary: 'Accept-Encoding',
        ...(takesGzip && { 'Content-Encoding': 'gzip' }),
      });
    });
  }
  return reference;
};
