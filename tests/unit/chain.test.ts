import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { answerSchema, problemSchema } from '../../services/contract.ts';
import { startSystem } from '../system.ts';

let system: Awaited<ReturnType<typeof startSystem>>;
before(async () => {
  system = await startSystem();
});
after(() => system.stop());

/** A picture that looks different from every side. */
const drawing = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300">
  <rect width="400" height="300" fill="#274"/><circle cx="120" cy="90" r="80" fill="#fd4"/>
  <rect x="230" y="180" width="140" height="90" fill="#a3c"/></svg>`);
const png = await sharp(drawing).png().toBuffer();
const jpeg = await sharp(png).jpeg({ quality: 95 }).toBuffer();
const webp = await sharp(png).webp({ quality: 95 }).toBuffer();
/** Lies on its side; its EXIF orientation 6 says to turn it upright. */
const turned = await sharp(png).rotate(270).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toBuffer();

const form = (file: Buffer) => {
  const body = new FormData();
  body.append('file', new File([new Uint8Array(file)], 'photo'));
  return body;
};
const send = (base: string, body: FormData | Buffer | string, type?: string) =>
  fetch(`${base}/classify/image`, {
    method: 'POST',
    body: body instanceof Buffer ? new Uint8Array(body) : body,
    ...(type && { headers: { 'Content-Type': type } }),
  });

test('a photo passes through web, was and endpoint, and gets the same answer however it is sent', async () => {
  const base64 = JSON.stringify({ image: png.toString('base64') });
  const answers = [
    send(system.web, form(jpeg)),
    send(system.web, form(turned)),
    send(system.web, form(png)),
    send(system.web, form(webp)),
    send(system.web, jpeg, 'image/jpeg'),
    send(system.web, base64, 'application/json'),
    send(system.was, form(jpeg)),
  ];
  const results = [];
  for (const answer of answers) results.push(answerSchema.parse(await (await answer).json()).result);
  const [first] = results;
  for (const result of results) {
    assert.equal(result.label, first?.label);
    assert.ok(Math.abs(result.acc - (first?.acc ?? Number.NaN)) < 0.01);
  }
});

test('without its endpoint the service says when to retry, and recovers by itself', async () => {
  await system.stopEndpoint();
  try {
    const response = await send(system.web, form(jpeg));
    assert.equal(response.status, 503);
    assert.equal(response.headers.get('Retry-After'), '2');
    assert.equal(problemSchema.parse(await response.json()).code, 'endpoint-unavailable');
    assert.equal((await fetch(`${system.was}/health`)).status, 200);
  } finally {
    await system.restartEndpoint();
  }
  assert.equal((await send(system.web, form(jpeg))).status, 200);
});

test('one request id runs through both services', async () => {
  const response = await fetch(`${system.web}/classify/image`, {
    method: 'POST',
    body: form(Buffer.from('x')),
    headers: { 'X-Request-Id': 'trace-me-1' },
  });
  assert.equal(response.headers.get('X-Request-Id'), 'trace-me-1');
  assert.equal(problemSchema.parse(await response.json()).requestId, 'trace-me-1');
});
