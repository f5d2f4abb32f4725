import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { compileFunction } from 'node:vm';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { Hono } from 'hono';
import { pino } from 'pino';
import sharp from 'sharp';
import { ModelStore } from './endpoint/models.ts';
import { tinyEndpoint } from './endpoint/tiny-endpoint.ts';
import { type RunningServer, startServer } from './http/server.ts';

/** The examples in docstrings run, and give what the comments `// =>` behind them say. */

const log = pino({ level: 'silent' });

/** Source files, with the code of their examples. */
const sources = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => {
    const text = readFileSync(path.join(import.meta.dirname, name), 'utf8');
    const blocks = [...text.matchAll(/^ *\* @example\n((?: *\* .*\n)+?) *\*(?:\/| @)/gm)];
    return { name, examples: blocks.map(([, lines = '']) => lines.replace(/^ *\* /gm, '')) };
  })
  .filter(({ examples }) => examples.length > 0);

/** `expression; // => value` becomes an assertion. */
const withAssertions = (code: string): string =>
  code.replace(/^(.*); \/\/ => (.*)$/gm, 'assert.deepEqual($1, $2);');

let endpoint: RunningServer;
before(async () => {
  const { fetch } = await tinyEndpoint();
  endpoint = await startServer({ fetch, port: 0, hostname: '127.0.0.1', log });
});
after(() => endpoint.stop(0));

/** What examples name without saying where it comes from. */
const givens = async () => ({
  ...{ assert, log, Hono, ModelStore, SageMakerRuntimeClient },
  endpoint: endpoint.url,
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  photo: await sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } })
    .png()
    .toBuffer(),
  headers: { 'Content-Type': 'image/png' },
});

for (const { name, examples } of sources) {
  for (const code of examples) {
    test(`${name}: ${code.split('\n', 1)}`, async () => {
      const exported: object = await import(pathToFileURL(path.join(import.meta.dirname, name)).href);
      const scope = { ...(await givens()), ...exported };
      const body = `return (async () => {\n${withAssertions(code)}\n})()`;
      await compileFunction(body, Object.keys(scope))(...Object.values(scope));
    });
  }
}

test('there are examples', () => assert.ok(sources.flatMap(({ examples }) => examples).length > 15));
