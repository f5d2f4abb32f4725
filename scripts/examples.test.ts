import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { compileFunction } from 'node:vm';
import { TerraformStack, Testing } from 'cdktf';
import { Hono } from 'hono';
import { pino } from 'pino';
import sharp from 'sharp';
import { buildNetwork } from '../model/network/network.ts';
import { exportLayers } from '../model/savedmodel/export-layers.ts';
import { decodeSavedModel, encodeSavedModel } from '../model/savedmodel/file.ts';
import { ModelStore } from '../services/endpoint/models.ts';
import { tinyEndpoint } from '../services/endpoint/tiny-endpoint.ts';
import { type RunningServer, startServer } from '../services/http/server.ts';
import { PhotoClassifier } from '../services/was/photo-classifier.ts';
import { RuntimeClient } from '../services/was/runtime-client.ts';
import { loadConfiguration } from '../stacks/config/load.ts';
import { createDeployment } from '../stacks/deployment.ts';
import { Role } from '../stacks/iam/role.ts';
import { Network } from '../stacks/network/network.ts';
import { AlarmTopic } from '../stacks/observability/notifications.ts';
import { temporaryFolder } from '../tests/temporary-folder.ts';
import { ROOT } from './shared/paths.ts';

/** The examples in docstrings run, and give what the comments `// =>` behind them say. */

const log = pino({ level: 'silent' });

/** Source files, with the code of their examples. */
const sources = ['model', 'services', 'stacks']
  .flatMap((room) =>
    readdirSync(path.join(ROOT, room), { recursive: true, encoding: 'utf8' }).map((name) =>
      path.join(room, name),
    ),
  )
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => {
    const text = readFileSync(path.join(ROOT, name), 'utf8');
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

const outdir = temporaryFolder({ after });

const settings = loadConfiguration({ context: {}, env: { BLOOMSTACK_ACCOUNT: '123456789012' } });
const deployment = createDeployment(settings);

/** A stack of an example's own, and a role in it. */
const cloud = () => {
  const stack = new TerraformStack(Testing.app({ outdir }), 'example');
  const props = { deployment, name: 'example', description: 'Example', service: 'ecs-tasks.amazonaws.com' };
  return { stack, deployment, settings, role: new Role(stack, 'role', props) };
};

/** What examples name without saying where it comes from. */
const givens = async () => ({
  ...{ assert, log, Hono, ModelStore, RuntimeClient, PhotoClassifier, Network, AlarmTopic },
  ...{ buildNetwork, exportLayers, encodeSavedModel, decodeSavedModel },
  endpoint: endpoint.url,
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  photo: await sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } })
    .png()
    .toBuffer(),
  headers: { 'Content-Type': 'image/png' },
  example: { file: 'rose.jpg', label: 0 },
});

for (const { name, examples } of sources) {
  for (const code of examples) {
    test(`${name}: ${code.split('\n', 1)}`, async () => {
      const exported: object = await import(pathToFileURL(path.join(ROOT, name)).href);
      const own = name.startsWith('stacks') ? cloud() : undefined;
      const scope = { ...(await givens()), ...own, ...exported };
      const body = `return (async () => {\n${withAssertions(code)}\n})()`;
      await compileFunction(body, Object.keys(scope))(...Object.values(scope));
      if (own) Testing.synth(own.stack);
    });
  }
}

test('there are examples', () => assert.ok(sources.flatMap(({ examples }) => examples).length > 40));
