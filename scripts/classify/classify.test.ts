import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, type TestContext, test } from 'node:test';
import sharp from 'sharp';
import { readPhoto } from '../../model/photo/read-photo.ts';
import type { Answer } from '../../services/contract.ts';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { startTestServer } from '../deploy/fake-aws.ts';
import { ROOT } from '../shared/paths.ts';
import { classify as run } from './main.ts';

const work = temporaryFolder({ after });
const folder = path.join(work, 'photos');
const cache = path.join(work, 'cache');
const PHOTOS = ['a.png', 'b.jpg', 'garden/c.webp'];

before(async () => {
  mkdirSync(path.join(folder, 'garden'), { recursive: true });
  for (const [index, name] of PHOTOS.entries())
    await sharp({ create: { width: 300 + index, height: 200, channels: 3, background: 'red' } }).toFile(
      path.join(folder, name),
    );
  writeFileSync(path.join(folder, 'notes.txt'), 'not a photo');
});

const words = { name: 'Rose', description: 'A rose.' };
const rose = { no: 0, label: 'rose', name: 'Rose', names: { en: 'Rose', ko: '장미' }, acc: 0.9 };
const answer: Answer = {
  result: {
    ...rose,
    known: true,
    description: 'A rose.',
    translations: { en: words, ko: words },
    predictions: [rose],
    model: { version: '1' },
  },
};

/** A service that answers each photo as the test says, after a health check. */
const serve = async (
  t: TestContext,
  onPhoto: (response: ServerResponse, body: Buffer, request: IncomingMessage) => void,
): Promise<string> =>
  startTestServer(t, async (request, response) => {
    if (request.method === 'GET') return void response.end('{}');
    onPhoto(response, await buffer(request), request);
  });

const classify = (...args: string[]) => {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/classify/main.ts', ...args], {
    cwd: ROOT,
    env: { ...process.env, XDG_CACHE_HOME: cache },
  });
  const output = { out: '', err: '' };
  child.stdout.on('data', (chunk) => (output.out += String(chunk)));
  child.stderr.on('data', (chunk) => (output.err += String(chunk)));
  const ended = once(child, 'close').then(() => ({ ...output, status: child.exitCode }));
  return { child, output, ended };
};

const lines = (out: string): unknown[] =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

test('folders become one line of JSON a photo, in order, with the pixels that the model sees; a broken one fails alone, overload is waited out', async (t) => {
  const bodies: Buffer[] = [];
  const keys = new Set<string | undefined>();
  const url = await serve(t, (response, body, request) => {
    keys.add(request.headers.authorization);
    if (bodies.push(body) === 1) response.writeHead(503, { 'Retry-After': '0' }).end('{}');
    else response.end(JSON.stringify(answer));
  });
  const broken = path.join(work, 'broken.jpg');
  writeFileSync(broken, 'no photo');
  const { status, out, err } = await classify(broken, folder, '--url', url, '--key', 'bloom_1').ended;
  assert.equal(status, 1);
  const [first, ...others] = lines(out);
  assert.match(JSON.stringify(first), /"problem":\{"code":"unsupported-format"/);
  assert.deepEqual(
    others,
    PHOTOS.map((name) => ({ file: path.join(folder, name), ...answer })),
  );
  assert.match(err, /1 of 4 photos were not classified/);
  assert.deepEqual([...keys], ['Bearer bloom_1']);
  const sent = await Promise.all(bodies.map((body) => readPhoto(body)));
  const seen = await Promise.all(PHOTOS.map((name) => readPhoto(readFileSync(path.join(folder, name)))));
  const hex = (pixels: Uint8Array) => Buffer.from(pixels).toString('hex');
  assert.equal(sent.length, PHOTOS.length + 1);
  assert.deepEqual(new Set(sent.map(hex)), new Set(seen.map(hex)));
});

test('killed and resumed, then ended by SIGTERM and resumed, it sends no answered photo twice and prints every answer', async (t) => {
  const sizes: number[] = [];
  const held: (() => void)[] = [];
  const url = await serve(t, (response, body) => {
    const reply = () => response.end(JSON.stringify(answer));
    // The second photo, twice.
    if ([2, 3].includes(sizes.push(body.byteLength))) held.push(reply);
    else reply();
  });
  const start = (...more: string[]) =>
    classify(folder, '--url', url, '--no-shrink', '--concurrency', '1', ...more);
  const until = async (isSo: () => boolean) => {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  const killed = start();
  await until(() => held.length === 1);
  killed.child.kill('SIGKILL');
  await killed.ended;
  const stopped = start('--resume');
  await until(() => held.length === 2);
  stopped.child.kill('SIGTERM');
  await until(() => stopped.output.err.includes('Waiting for the photos in flight'));
  held[1]?.();
  const { status: code, err: told } = await stopped.ended;
  assert.equal(code, 130, 'the photo in flight is answered first');
  assert.match(told, /1 photo already answered/);
  const { status, out, err } = await start('--resume').ended;
  assert.equal(status, 0);
  assert.match(err, /2 photos already answered/);
  assert.equal(lines(out).length, 3);
  assert.equal(sizes.length, 4);
  const journals = readdirSync(path.join(cache, 'bloomstack'));
  assert.equal(journals.length, 1, 'one is kept only where a photo failed, as above');
});

for (const [what, photos, expected] of [
  ['no such file', ['none.jpg'], { exitCode: 2, message: /none\.jpg cannot be read/ }],
  ['no photo', [], { exitCode: 2, message: /Name at least one photo, or a folder of photos/ }],
  ['no service', [folder], { name: 'Error', message: /No service answers at .*npm start/ }],
] as const)
  test(`${what}: fails and says what to do`, () =>
    assert.rejects(run({ photos: [...photos], url: 'http://127.0.0.1:9', concurrency: 1 }), expected));
