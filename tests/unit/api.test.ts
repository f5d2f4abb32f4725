import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { dereference, validate } from '@readme/openapi-parser';
import fc from 'fast-check';
import openapiTS from 'openapi-typescript';
import sharp from 'sharp';
import { z } from 'zod';
import { ROOT } from '../../scripts/shared/paths.ts';
import { PROBLEM_CODES, problemSchema } from '../../services/contract.ts';
import { findOnPath, need } from '../requirements.ts';
import { startSystem } from '../system.ts';

/**
 * The API is what its document says, and its guide works. For more requests:
 * API_REQUESTS=5000 API_SEED=7 node --import tsx --test tests/unit/api.test.ts
 */
const REQUESTS = Number(process.env['API_REQUESTS'] ?? 120);
const SEED = Number(process.env['API_SEED'] ?? 1);

const operationSchema = z.object({
  parameters: z.array(z.object({ name: z.string() })).default([]),
  requestBody: z.object({ content: z.record(z.string(), z.unknown()) }).optional(),
  responses: z.record(
    z.string(),
    z.object({ content: z.record(z.string(), z.object({ schema: z.json().optional() })).default({}) }),
  ),
});
const documentSchema = z.object({ paths: z.record(z.string(), z.record(z.string(), operationSchema)) });

let system: Awaited<ReturnType<typeof startSystem>>;
let text: string;
let folder: string;
const picture = sharp({ create: { width: 64, height: 48, channels: 3, background: '#8040c0' } });
const photo = await picture.clone().jpeg().toBuffer();
before(async () => {
  system = await startSystem();
  text = await (await fetch(`${system.web}/openapi.json`)).text();
  mkdirSync(path.join(ROOT, 'node_modules/.cache'), { recursive: true });
  // Within the project, where packages are found.
  folder = mkdtempSync(path.join(ROOT, 'node_modules/.cache/api-'));
  for (const name of ['photo.jpg', 'another.jpg']) writeFileSync(path.join(folder, name), photo);
});
after(async () => {
  await system.stop();
  rmSync(folder, { recursive: true });
});

test('the document is valid OpenAPI, and has every route and every error', async () => {
  assert.equal((await validate(JSON.parse(text))).valid, true);
  const { paths } = documentSchema.parse(JSON.parse(text));
  for (const { method, path: route } of system.app.routes)
    if (method !== 'ALL' && !route.startsWith('/assets/'))
      assert.ok(paths[route]?.[method.toLowerCase()], `${method} ${route}`);
  for (const code of PROBLEM_CODES) assert.ok(text.includes(`\`${code}\``), code);
  assert.doesNotMatch(text, /9007199254740991/);
});

/** What is sent as a photo: most often one. */
const bytes = fc.uint8Array({ maxLength: 30 }).map((some) => Buffer.from(some));
const file = fc.oneof({ weight: 3, arbitrary: fc.constant(photo) }, bytes);
const files = fc
  .array(file, { maxLength: 3 })
  .chain((some) => fc.constantFrom(some, some, Array(33).fill(photo)));
const field = fc.constantFrom('file', 'files', 'image', 'images', 'x');
const json = fc
  .tuple(field, fc.oneof(file, files), fc.anything(), fc.boolean())
  .map(([name, sent, other, isOdd]) => {
    const base64 = Array.isArray(sent) ? sent.map((one) => one.toString('base64')) : sent.toString('base64');
    return JSON.stringify({ [name]: isOdd ? other : base64 });
  });
const form = fc.tuple(field, files).map(([name, some]) => {
  const data = new FormData();
  for (const one of some) data.append(name, new Blob([new Uint8Array(one)]), 'a');
  return data;
});
const odd = fc.string({ maxLength: 8, unit: 'grapheme-ascii' });

test('no answer is undocumented, outside its schema, or a failure', async (t) => {
  const { paths } = documentSchema.parse(await dereference(JSON.parse(text)));
  const routes = Object.entries(paths).flatMap(([route, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ route, method, operation })),
  );
  // Most of what can go wrong is in what is sent.
  const posts = routes.filter(({ method }) => method === 'post').flatMap((one) => [one, one, one, one]);
  const request = fc.constantFrom(...routes, ...posts).chain(({ route, method, operation }) => {
    const types = Object.keys(operation.requestBody?.content ?? {});
    const names = fc.constantFrom(...operation.parameters.map(({ name }) => name), 'x');
    const values = fc.constantFrom('1', '5', '100', 'true', 'false');
    const known = fc.constant(method);
    return fc.record({
      ...{ route: fc.constant(route), operation: fc.constant(operation) },
      method: fc.oneof({ weight: 9, arbitrary: known }, fc.constantFrom('get', 'post', 'put')),
      query: fc.dictionary(fc.oneof(names, odd), fc.oneof(values, odd), { maxKeys: 2 }),
      language: fc.constantFrom('en', 'ko', '*', ''),
      type: fc.constantFrom(...types, 'text/plain').map((type) => type.replace('*', 'x')),
      ...{ form, json, file },
    });
  });
  const statuses = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(request, async ({ route, method, operation, query, language, type, ...sent }) => {
      const isForm = type === 'multipart/form-data';
      const body = isForm ? sent.form : type === 'application/json' ? sent.json : new Uint8Array(sent.file);
      const response = await fetch(`${system.web}${route}?${new URLSearchParams(query)}`, {
        method: method.toUpperCase(),
        headers: { 'Accept-Language': language, ...(!isForm && { 'Content-Type': type }) },
        ...(method !== 'get' && { body }),
      });
      const { status } = response;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const answer = await response.text();
      assert.ok(status < 500, `${status} ${answer}`);
      // Problems of the whole request or of a photo in it; the document has examples of them.
      for (const [, detail = ''] of route.endsWith('.json') ? [] : answer.matchAll(/"detail":"(.*?)"[,}]/g))
        assert.equal(/[가-힣]/.test(detail), language === 'ko', `${language}: ${detail}`);
      const documented = operation.responses[status];
      assert.ok(documented, `${method} ${route} answers ${status}: ${answer}`);
      const [media = ''] = (response.headers.get('Content-Type') ?? '').split(';');
      assert.ok(media in documented.content, `${method} ${route} answers ${status} ${media}`);
      const schema = documented.content[media]?.schema;
      if (typeof schema === 'object' && schema !== null && !Array.isArray(schema))
        z.fromJSONSchema(schema).parse(JSON.parse(answer));
    }),
    { numRuns: REQUESTS, seed: SEED, endOnFailure: true },
  );
  t.diagnostic(`${REQUESTS} requests: ${JSON.stringify([...statuses])}`);
});

test('without its endpoint the service says when to retry, and recovers by itself', async () => {
  const body = new Uint8Array(photo);
  const send = () =>
    fetch(`${system.web}/classify/image`, {
      method: 'POST',
      headers: { 'Content-Type': 'image/jpeg' },
      body,
    });
  await system.stopEndpoint();
  try {
    const response = await send();
    assert.deepEqual([response.status, response.headers.get('Retry-After')], [503, '2']);
    assert.equal(problemSchema.parse(await response.json()).code, 'endpoint-unavailable');
    assert.equal((await fetch(`${system.was}/health`)).status, 200);
  } finally {
    await system.restartEndpoint();
  }
  assert.equal((await send()).status, 200);
});

/** A snippet of the guide, for the services of this test. */
const snippet = (language: string): string => {
  const guide = readFileSync(path.join(ROOT, 'docs/guides/api.md'), 'utf8');
  const [, code] = new RegExp(`\`\`\`${language}\n(.*?)\n\`\`\``, 's').exec(guide) ?? [];
  assert.ok(code, language);
  return code.replaceAll('http://127.0.0.1:8000', system.web);
};
/** Runs a program where the photos are, and returns what it prints. */
const run = async (program: string, ...parameters: string[]): Promise<string> =>
  (await promisify(execFile)(program, parameters, { cwd: folder })).stdout;
const NAMED = /photo\.jpg: .*\w.*\nanother\.jpg: .*\w/;

test('the TypeScript of the guide is accepted by the compiler, names photos, and is held to the document', async () => {
  const write = (name: string, content: string) => writeFileSync(path.join(folder, name), content);
  write('bloomstack.ts', await openapiTS(JSON.parse(text)));
  write('client.mts', snippet('ts'));
  const wrong = ["'/v1/nowhere', {}", "'/v1/classifications', { body: { file: [] } }"];
  const calls = wrong.map((call) => `// @ts-expect-error\nawait client.POST(${call});`);
  const [imports = ''] = snippet('ts').split('const names');
  write('wrong.mts', `${imports}${calls.join('\n')}`);
  const flags =
    '--ignoreConfig --noEmit --strict --skipLibCheck --module nodenext --types node --allowImportingTsExtensions';
  const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
  await run(process.execPath, tsc, ...flags.split(' '), 'client.mts', 'wrong.mts').catch(({ stdout }) =>
    assert.fail(stdout),
  );
  assert.match(await run(process.execPath, '--import', 'tsx', 'client.mts'), NAMED);
});

for (const [program, language, flag, needed] of [
  ['python3', 'python', '-c', 'python3'],
  ['sh', 'sh', '-ec', 'curl'],
] as const) {
  const skipped = need('programs', findOnPath(needed), `install ${needed} to test the guide's ${language}`);
  test(`the ${language} of the guide names photos`, skipped, async () =>
    assert.match(await run(program, flag, snippet(language)), NAMED),
  );
}
