import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { z } from 'zod';
import { need, pathFrom } from '../tests/requirements.ts';
import { temporaryFolder } from '../tests/temporary-folder.ts';
import { listen } from './deploy/fake-aws.ts';
import { type BackboneFile, download, fetchBackbone, MOBILENET, sha256 } from './fetch-backbone.ts';
import { ROOT } from './shared/paths.ts';

const file = (name: string, text: string): BackboneFile & { content: Buffer } => {
  const content = Buffer.from(text);
  return { name, content, bytes: content.length, sha256: sha256(content) };
};

/** A made-up network. */
const WEIGHTS = file('weights.bin', 'weights');
const MODEL = file('model.json', '{"model": true}');
const FILES = [WEIGHTS, MODEL] as const;

/**
 * A server that redirects `/hub/*` to `/store/*`, as TensorFlow Hub does, and there serves files by their name.
 *
 * @returns the address to give, and the paths that were asked for
 */
const startHub = async (t: TestContext, files: Readonly<Record<string, Uint8Array>>) => {
  const asked: string[] = [];
  const url = await listen(t, ({ url = '' }, response) => {
    asked.push(url);
    const [, folder, name = ''] = /^\/(\w+)\/([^?]*)/.exec(url) ?? [];
    const content = files[name];
    if (folder === 'hub') response.writeHead(302, { location: `/store/${name}` }).end();
    else if (content) response.end(content);
    else response.writeHead(404).end('no such file');
  });
  return { address: `${url}/hub/?tfjs-format=file`, asked };
};

const CONTENT = { [WEIGHTS.name]: WEIGHTS.content, [MODEL.name]: MODEL.content };

const setUp = async (t: TestContext, content: Readonly<Record<string, Uint8Array>> = CONTENT) => {
  const { address, asked } = await startHub(t, content);
  const root = temporaryFolder(t);
  const folder = path.join(root, 'build', 'network');
  const fetchFrom = (from: string) => fetchBackbone({ files: FILES, from, to: folder });
  return { root, folder, address, asked, fetchFrom };
};

test('the files are fetched over a redirect, into a folder that others may read', async (t) => {
  const { folder, address, asked, fetchFrom } = await setUp(t);
  assert.equal(await fetchFrom(address), true);
  assert.deepEqual(asked, [
    '/hub/weights.bin?tfjs-format=file',
    '/store/weights.bin',
    '/hub/model.json?tfjs-format=file',
    '/store/model.json',
  ]);
  assert.deepEqual(readdirSync(path.dirname(folder)), ['network']);
  assert.deepEqual(readdirSync(folder).sort(), ['model.json', 'weights.bin']);
  assert.equal(statSync(folder).mode, statSync(path.dirname(folder)).mode);
  assert.deepEqual(readFileSync(path.join(folder, MODEL.name)), MODEL.content);
});

test('files that are there already are not fetched again', async (t) => {
  const { address, asked, fetchFrom } = await setUp(t);
  await fetchFrom(address);
  const before = asked.length;
  assert.equal(await fetchFrom(address), false);
  assert.equal(asked.length, before);
});

test('a file of other content is refused, and nothing is left', async (t) => {
  const { root, address, fetchFrom } = await setUp(t, { ...CONTENT, [MODEL.name]: Buffer.from('<html>') });
  await assert.rejects(fetchFrom(address), (error: Error) => {
    assert.match(error.message, /\/hub\/model\.json\S* is not the model\.json that was published/);
    assert.match(error.message, /its SHA-256 is [0-9a-f]{64} \(6 bytes\)/);
    assert.ok(error.message.includes(`expected is ${MODEL.sha256} (15 bytes)`));
    assert.match(error.message, /Nothing was put in place\..*--from/);
    return true;
  });
  assert.deepEqual(readdirSync(root), []);
});

test('a file that is not there is named with where it was looked for', async (t) => {
  const { root, address, fetchFrom } = await setUp(t, { [WEIGHTS.name]: WEIGHTS.content });
  await assert.rejects(
    fetchFrom(address),
    /\/hub\/model\.json\?tfjs-format=file could not be fetched: \S+\/store\/model\.json answered 404\. .*--from/,
  );
  assert.deepEqual(readdirSync(root), []);
});

test('an unpacked download is as good as an address, but for its checksums', async (t) => {
  const { fetchFrom } = await setUp(t);
  const unpacked = temporaryFolder(t);
  await assert.rejects(
    fetchFrom(unpacked),
    /weights\.bin cannot be read .*Give --from the folder that holds/,
  );
  for (const { name, content } of FILES) writeFileSync(path.join(unpacked, name), content);
  assert.equal(await fetchFrom(unpacked), true);
  writeFileSync(path.join(unpacked, MODEL.name), '{}');
  const { fetchFrom: again } = await setUp(t);
  await assert.rejects(again(unpacked), /is not the model\.json that was published/);
});

test('a folder that holds something else is left as it is, and nothing is fetched', async (t) => {
  const { folder, address, asked, fetchFrom } = await setUp(t);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'thesis.txt'), 'mine');
  await assert.rejects(fetchFrom(address), /holds something already, but no weights\.bin\..*--to/);
  writeFileSync(path.join(folder, WEIGHTS.name), 'other');
  await assert.rejects(fetchFrom(address), /but a weights\.bin whose SHA-256 is \w+, not \w+\..*--to/);
  assert.deepEqual(readdirSync(folder).sort(), ['thesis.txt', 'weights.bin']);
  assert.deepEqual(asked, []);
});

test('an empty folder is filled; a file in its place is not replaced', async (t) => {
  const { root, folder, address, fetchFrom } = await setUp(t);
  mkdirSync(folder, { recursive: true });
  assert.equal(await fetchFrom(address), true);
  const file = path.join(root, 'file');
  writeFileSync(file, 'mine');
  await assert.rejects(
    fetchBackbone({ files: FILES, from: address, to: file }),
    /file cannot be used: ENOTDIR.*--to/,
  );
});

test('the bytes are counted as they come', async (t) => {
  const url = await listen(t, (_, response) => void response.end(MODEL.content));
  const counts: number[] = [];
  const onProgress = (bytes: number) => counts.push(bytes);
  const content = await download(new URL(url), MODEL, { onProgress });
  assert.deepEqual(content, MODEL.content);
  assert.equal(counts.at(-1), MODEL.bytes);
});

test('a server that falls silent is given up, before its answer or within', async (t) => {
  const url = await listen(t, (request, response) => {
    if (request.url === '/within') response.writeHead(200).write('{');
  });
  for (const part of ['before', 'within'])
    await assert.rejects(download(new URL(part, url), MODEL, { silenceMs: 100 }), {
      message: /could not be fetched: nothing was received for 0\.1 s\. .*--from/,
    });
});

test('a connection that breaks off is an error, not a short file', async (t) => {
  const url = await listen(t, (_, response) => {
    response.writeHead(200, { 'content-length': MODEL.bytes });
    response.write('{', () => response.destroy());
  });
  await assert.rejects(download(new URL(url), MODEL), /could not be fetched: /);
});

test('a server that is not there is named with the reason', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = z.object({ port: z.number() }).parse(server.address());
  server.close();
  await assert.rejects(download(new URL(`http://127.0.0.1:${port}/model.json`), MODEL), {
    message: new RegExp(
      `^http://127\\.0\\.0\\.1:${port}/model\\.json could not be fetched: connect ECONNREFUSED .*--from`,
    ),
  });
});

test('an endless answer is cut short', async (t) => {
  const url = await listen(t, (_, response) => {
    const timer = setInterval(() => response.write('x'.repeat(100)), 1);
    response.on('close', () => clearInterval(timer));
  });
  await assert.rejects(download(new URL(url), MODEL), /longer than the 15 bytes of model\.json/);
});

const BACKBONE_DIR = pathFrom('BACKBONE_DIR');
const real = need(
  'backbone',
  BACKBONE_DIR,
  'set BACKBONE_DIR to a folder of MobileNet v1 0.25 224, as scripts/fetch-backbone.ts makes it',
);

const run = (...parameters: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', 'scripts/fetch-backbone.ts', ...parameters], {
    cwd: ROOT,
    encoding: 'utf8',
  });

test('a wrong call says what is wrong and how to call it', () => {
  for (const [parameters, expected] of [
    [
      ['--from', 'ftp://mirror/mobilenet'],
      /^--from is "ftp:\/\/mirror\/mobilenet", but must be a folder, or an http or https address\.$/m,
    ],
    [
      ['--to', 's3://BUCKET/pretrained/'],
      /^--to is .*, but must be a folder, or s3:\/\/<bucket>\/pretrained\/\.$/m,
    ],
    [['--into', 'build'], /--into/],
  ] as const) {
    const { status, stderr } = run(...parameters);
    assert.equal(status, 1);
    assert.match(stderr, expected);
    assert.match(stderr, /Usage: node --import tsx scripts\/fetch-backbone\.ts/);
  }
});

test('the published files have the checksums that are expected, and are put in place once', real, (t) => {
  const to = path.join(temporaryFolder(t), 'mobilenet');
  const fetchOnce = () => run('--from', String(BACKBONE_DIR), '--to', to);
  const { status, stdout, stderr } = fetchOnce();
  assert.equal(status, 0, stderr);
  assert.match(stdout, /its checksums are right\.\nTrain on it: npm run train -- --data DIR --backbone \S/);
  assert.deepEqual(readdirSync(to).sort(), MOBILENET.files.map(({ name }) => name).sort());
  assert.match(fetchOnce().stdout, /already.*Nothing was fetched/);
});
