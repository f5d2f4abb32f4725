import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { need, pathFrom } from '../tests/requirements.ts';
import { temporaryFolder } from '../tests/temporary-folder.ts';
import { startTestServer } from './deploy/fake-aws.ts';
import { type BackboneFile, fetchBackbone, MOBILENET, sha256 } from './fetch-backbone.ts';

const file = (name: string, text: string): BackboneFile & { content: Buffer } => {
  const content = Buffer.from(text);
  return { name, content, sha256: sha256(content) };
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
  const url = await startTestServer(t, ({ url = '' }, response) => {
    asked.push(url);
    const [, folder, name = ''] = /^\/(\w+)\/([^?]*)/.exec(url) ?? [];
    const content = files[name];
    if (folder === 'hub') response.writeHead(302, { location: `/store/${name}` }).end();
    else if (content) response.end(content);
    else response.writeHead(404).end('no such file');
  });
  return { address: `${url}/hub/?tfjs-format=file`, asked };
};

const CONTENT: Readonly<Record<string, Buffer>> = {
  [WEIGHTS.name]: WEIGHTS.content,
  [MODEL.name]: MODEL.content,
};

const setUp = async (t: TestContext, content = CONTENT) => {
  const { address, asked } = await startHub(t, content);
  const root = temporaryFolder(t);
  const folder = path.join(root, 'build', 'network');
  const fetchFrom = (from: string) => fetchBackbone({ files: FILES, from, to: folder });
  return { root, folder, address, asked, fetchFrom };
};

test('the files are fetched once, through a redirect, into a folder that others may read', async (t) => {
  const { folder, address, asked, fetchFrom } = await setUp(t);
  mkdirSync(folder, { recursive: true });
  for (const expected of [true, false]) assert.equal(await fetchFrom(address), expected);
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

for (const [what, content, expected] of [
  [
    'a file of other content',
    { ...CONTENT, [MODEL.name]: Buffer.from('<html>') },
    /model\.json from .* is not the published file: its SHA-256 is [0-9a-f]{64}/,
  ],
  [
    'a file that is not there',
    { [WEIGHTS.name]: WEIGHTS.content },
    /model\.json cannot be read .*\/store\/model\.json answered 404\).*--from/,
  ],
] as const)
  test(`${what} is refused, and nothing is left`, async (t) => {
    const { root, address, fetchFrom } = await setUp(t, content);
    await assert.rejects(fetchFrom(address), expected);
    assert.deepEqual(readdirSync(root), []);
  });

test('a folder with other content is left alone, and nothing is fetched', async (t) => {
  const { folder, address, asked, fetchFrom } = await setUp(t);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, WEIGHTS.name), 'other');
  await assert.rejects(
    fetchFrom(address),
    /is not empty and does not hold the published weights\.bin\..*--to/,
  );
  assert.deepEqual(readdirSync(folder), ['weights.bin']);
  assert.deepEqual(asked, []);
});

const BACKBONE_DIR = pathFrom('BACKBONE_DIR');
const real = need(
  'backbone',
  BACKBONE_DIR,
  'set BACKBONE_DIR to a folder of MobileNet v1 0.25 224, as scripts/fetch-backbone.ts makes it',
);

test('the published files have the expected checksums, and are put in place once', real, async (t) => {
  const to = path.join(temporaryFolder(t), 'mobilenet');
  const { files } = MOBILENET;
  for (const expected of [true, false])
    assert.equal(await fetchBackbone({ files, from: String(BACKBONE_DIR), to }), expected);
  assert.deepEqual(readdirSync(to).sort(), files.map(({ name }) => name).sort());
});
