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

type Route = Parameters<typeof describeRoute>[0];
type Responses = NonNullable<Route['responses']>;

/** Removes the bounds of a safe integer, which zod adds and which mean nothing here. */
const override = ({ jsonSchema }: { jsonSchema: { minimum?: number; maximum?: number } }) => {
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
};
const inDocument = (schema: z.ZodType) => resolver(schema, { options: { override } });

/** The page's messages for each code. */
const { PROBLEMS } = z
  .object({ PROBLEMS: z.object({ en: z.record(z.string(), z.string()) }) })
  .parse(await import(new URL('./public/problems.js', import.meta.url).href));

const MEBIBYTE = 2 ** 20;
const example = (code: ProblemCode) => {
  const detail = (PROBLEMS.en[code] ?? '').replace('{limit}', `${MAX_PHOTO_BYTES / MEBIBYTE} MiB`);
  return { summary: PROBLEM_KINDS[code][1], value: problemBody(new ProblemError(code, detail)) };
};

const header = (description: string) => ({ description, schema: { type: 'string' } as const });
const HEADERS = {
  'X-Request-Id': header('Identifies the request in the logs; yours, if you send one'),
  'Content-Language': header('en or ko'),
};
const retry = { 'Retry-After': header('Seconds') };
const MORE_HEADERS: Readonly<Record<number, Record<string, ReturnType<typeof header>>>> = {
  401: { 'WWW-Authenticate': header('Bearer, with error="invalid_token" if the key is not valid') },
  405: { Allow: header('The supported methods') },
  429: { ...retry, RateLimit: header('Photos left (r), and seconds until the limit is reset (t)') },
  503: retry,
};

const codesIn = (text: string) => z.array(z.enum(PROBLEM_CODES)).parse(text.split(' '));
/** Problems of any route: the server itself or the firewall answers with them. */
const ANYWHERE =
  'malformed-request headers-too-large expectation-failed unsupported-transfer-coding too-slow method-not-allowed rate-limited internal';
const UPLOAD =
  'missing-photo too-many-photos malformed-body unsupported-content-type too-large overloaded was-unavailable';
const PHOTO = 'empty unsupported-format too-few-pixels too-many-pixels too-costly unreadable';
const MODEL = 'endpoint-unavailable model-failed';

/** The problems of a route by status, with an example for each code. */
const problems = (...codes: readonly string[]): Responses => {
  const all = codesIn([ANYWHERE, ...codes].join(' '));
  const response = (status: number) => {
    const some = all.filter((code) => PROBLEM_KINDS[code][0] === status);
    const examples = Object.fromEntries(some.map((code) => [code, example(code)]));
    return {
      description: some.map((code) => PROBLEM_KINDS[code][1]).join('; '),
      headers: { ...HEADERS, ...MORE_HEADERS[status] },
      content: { 'application/problem+json': { schema: inDocument(problemSchema), examples } },
    };
  };
  const statuses = new Set(all.map((code) => PROBLEM_KINDS[code][0]));
  return Object.fromEntries([...statuses].map((status) => [status, response(status)]));
};

/** A route with its answer and its problems, which needs no API key. */
const open = (summary: string, answer: z.ZodType, ...codes: readonly string[]) => {
  const content = { 'application/json': { schema: inDocument(answer) } };
  const answered = { 200: { description: 'The answer', headers: HEADERS, content } };
  const responses = { ...answered, ...problems(...codes) };
  return { tags: ['Service'], security: [], summary, responses } satisfies Route;
};

const BINARY = { type: 'string', format: 'binary' } as const;
const BASE64 = { type: 'string', description: 'Base64, or a base64 data URL' } as const;
/** Media types of a bare photo as the body. */
const RAW = [...PHOTO_MEDIA_TYPES, 'image/*', 'application/octet-stream'];

/** Bodies: a form or JSON with one required field, or a bare photo. */
const bodies = (form: Record<string, object>, json: Record<string, object>) => {
  const object = (properties: Record<string, object>) => ({
    schema: { type: 'object' as const, properties, required: Object.keys(properties) },
  });
  const raw = Object.fromEntries(RAW.map((type) => [type, { schema: BINARY }]));
  const content = { 'multipart/form-data': object(form), 'application/json': object(json), ...raw };
  return { required: true, content };
};
const list = (items: object) => ({ type: 'array', items, minItems: 1, maxItems: MAX_PHOTOS });

const parameters = (query: z.ZodObject) =>
  Object.entries(z.toJSONSchema(query).properties ?? {}).map(([name, schema]) => ({
    ...{ name, in: 'query' as const },
    schema: z.looseObject({}).parse(schema),
  }));

/** Whether keys are required is the operator's choice. */
const MAY_NEED_A_KEY = { tags: ['Photos'], security: [{ key: [] }, {}] };

/** The routes for programs; pages are described by `describePage`. */
export const ROUTES = {
  classifyOne: {
    ...open('Classify a photo', answerSchema, UPLOAD, PHOTO, MODEL, 'unauthorized'),
    ...MAY_NEED_A_KEY,
    description: "The original API's route. Takes one photo, and answers with all classes.",
    parameters: parameters(classificationsQuery.pick({ map: true })),
    requestBody: bodies({ file: BINARY }, { image: BASE64 }),
  },
  classifyMany: {
    ...open(`Classify 1 to ${MAX_PHOTOS} photos`, classificationsSchema, UPLOAD, 'unauthorized'),
    ...MAY_NEED_A_KEY,
    description: `Answers 200 as soon as the request can be read, with a result or a problem for each photo, in order: a bad photo does not affect the others. At most ${MAX_PHOTOS_BODY_BYTES / MEBIBYTE} MiB in all. A problem with \`retryAfter\` is worth trying again, with that photo alone. Nothing is stored, so a request may be repeated as it is: an \`Idempotency-Key\` is not needed, and is ignored.`,
    parameters: parameters(classificationsQuery),
    requestBody: bodies({ files: list(BINARY) }, { images: list(BASE64) }),
  },
  model: open('What the model knows, and the limits', modelSchema, MODEL, 'overloaded was-unavailable'),
  health: open('Whether this service is up', z.object({ status: z.literal('ok') })),
  version: open('The version of this service', z.object({ version: z.string() })),
  wasHealth: open(
    'Whether the application service can be reached',
    z.object({ 'was-health': z.object({ message: z.string() }) }),
    'was-unavailable',
  ),
  document: open('This document: OpenAPI 3.1', z.looseObject({ openapi: z.string() })),
};

/** The description of a page. */
export const describePage = (path: string) =>
  describeRoute({
    ...{ tags: ['Pages'], security: [], summary: `A page for people: ${path}` },
    responses: { 200: { description: 'HTML', content: { 'text/html': {} } }, ...problems() },
  });

const ERRORS = PROBLEM_CODES.map(
  (code) => `| \`${code}\` | ${PROBLEM_KINDS[code].slice(0, 2).join(' | ')} |`,
).join('\n');

const documentation = (version: string): GenerateSpecOptions['documentation'] => ({
  info: {
    title: 'Bloomstack',
    version,
    description: `Names what is in a photo.

A photo is one still JPEG, PNG or WebP of at most ${MAX_PHOTO_BYTES / MEBIBYTE} MiB and ${MAX_PHOTO_PIXELS / 1e6} million pixels, and at least ${MIN_PHOTO_SIDE} pixels on each side. Its content counts, not its name. Names, descriptions and errors are in English or Korean, as \`Accept-Language\` asks.

Errors are \`application/problem+json\` (RFC 9457). \`code\` is for programs.

<details><summary>All ${PROBLEM_CODES.length} codes</summary>

| code | status | meaning |
| --- | --- | --- |
${ERRORS}

</details>`,
  },
  servers: [{ url: '/' }],
  // In this order.
  tags: ['Photos', 'Service', 'Pages'].map((name) => ({ name })),
  components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
});

const require = createRequire(import.meta.url);
const { version: swaggerVersion } = z
  .object({ version: z.string() })
  .parse(require('swagger-ui-dist/package.json'));
/** Where Swagger UI's files are served: a new version has a new path. */
export const SWAGGER_PATH = `/assets/swagger-ui-${swaggerVersion}`;
const SWAGGER_FILES = { 'swagger-ui.css': 'text/css', 'swagger-ui-bundle.js': 'text/javascript' };

/**
 * `GET /openapi.json`, and the files of Swagger UI, which `/docs` loads: they are large, and compressed only once.
 *
 * @param app whose routes are described
 */
export const createReference = (app: App, version: string): Hono => {
  const reference = new Hono();
  const options = {
    documentation: documentation(version),
    exclude: /^\/assets\//,
    excludeStaticFile: false,
  };
  let document: ReturnType<typeof generateSpecs> | undefined;
  reference.get('/openapi.json', describeRoute(ROUTES.document), etag(), async (context) => {
    document ??= generateSpecs(app, options);
    return context.json(await document, 200, { 'Cache-Control': 'no-cache' });
  });
  for (const [name, type] of Object.entries(SWAGGER_FILES)) {
    let packed: Promise<Buffer> | undefined;
    reference.get(`${SWAGGER_PATH}/${name}`, async (context) => {
      packed ??= promisify(gzip)(readFileSync(require.resolve(`swagger-ui-dist/${name}`)));
      return context.body(new Uint8Array(await packed), 200, {
        'Content-Type': `${type}; charset=utf-8`,
        'Cache-Control': 'public, max-age=31536000, immutable',
        // Every browser supports it.
        'Content-Encoding': 'gzip',
      });
    });
  }
  return reference;
};
