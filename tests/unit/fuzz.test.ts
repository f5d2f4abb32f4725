import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { pino } from 'pino';
import sharp from 'sharp';
import { MAX_BODY_BYTES } from '../../services/contract.ts';
import { startServer } from '../../services/http/server.ts';
import { Shedding } from '../../services/http/shedding.ts';
import { createWasApp, refuseEarly } from '../../services/was/app.ts';
import { Decoder } from '../../services/was/decoder.ts';
import { fakeClassifier } from '../../services/was/fake-classifier.ts';
import { PhotoClassifier } from '../../services/was/photo-classifier.ts';
import { WorkQueue } from '../../services/was/queue.ts';
import { Uploads } from '../../services/was/uploads.ts';
import { createWebApp } from '../../services/web/app.ts';

/**
 * However a request is damaged and wherever its client stops, it is answered, and nothing is held afterwards. For more
 * of them: FUZZ_REQUESTS=20000 FUZZ_SEED=7 node --import tsx --expose-gc --test tests/unit/fuzz.test.ts
 */

const REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 240);
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const AT_ONCE = 8;
/** Whoever sends all of a request has an answer by then, and whoever stops has no connection any more. */
const ANSWER_MS = 10_000;
const SPARE_MIB = 80;
/** Answers above 499 that are no fault: too much at once, and a transfer coding that does not exist (RFC 9112, 6.1). */
const DOCUMENTED = /"code":"(overloaded|unsupported-transfer-coding)"/;

/** Pictures of every kind that is decoded in a way of its own. */
const picture = sharp({ create: { width: 64, height: 48, channels: 4, background: '#8040c080' } });
const photos = await Promise.all([
  picture.clone().png().toBuffer(),
  picture.clone().toColourspace('rgb16').png({ progressive: true }).toBuffer(),
  picture.clone().png({ palette: true }).toBuffer(),
  picture
    .clone()
    .jpeg()
    .withExif({ IFD0: { Orientation: '6' } })
    .toBuffer(),
  picture.clone().jpeg({ progressive: true }).withIccProfile('p3').toBuffer(),
  picture.clone().toColourspace('cmyk').jpeg().toBuffer(),
  picture.clone().webp().toBuffer(),
  picture.clone().webp({ lossless: true }).toBuffer(),
]);
const [photo = Buffer.alloc(0)] = photos;

/** Replaces some bytes, most often among the first ones, where formats and protocols say what follows. */
const damage = fc.array(
  fc.record({
    at: fc.oneof(fc.nat(64), fc.nat(1_000_000)),
    removed: fc.constantFrom(0, 1, 1, 2, 4, 100, 1_000_000),
    added: fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc.constantFrom(
        ...['\r\n', '\r\n\r\n', '\0', ':', ',', '99999999999'].map((text) => Buffer.from(text)),
      ),
    ),
  }),
  { maxLength: 3 },
);
const damaged = (bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  fc.tuple(bytes, damage).map(([whole, changes]) =>
    changes.reduce((before, { at, removed, added }) => {
      const from = at % (before.length + 1);
      return Buffer.concat([before.subarray(0, from), added, before.subarray(from + removed)]);
    }, whole),
  );
const anyPhoto = fc.oneof(fc.constantFrom(...photos), damaged(fc.constantFrom(...photos)));

const part = fc.record({
  disposition: fc.constantFrom(
    'Content-Disposition: form-data; name="file"; filename="a.png"',
    'Content-Disposition: attachment; name="file"; filename="a.png"',
    'Content-Disposition : form-data; name=other',
    'X: y',
    '',
  ),
  content: fc.oneof(
    anyPhoto,
    fc.constantFrom(Buffer.alloc(20_000, 65), Buffer.alloc(0), Buffer.from('\r\n--bc\r\n')),
  ),
  padding: fc.constantFrom('', '', ' ', '\t \t', '-'),
});
const form = fc
  .record({ parts: fc.array(part, { maxLength: 3 }), end: fc.constantFrom('--b--\r\n', '--b--', '--b', '') })
  .map(({ parts, end }) =>
    Buffer.concat([
      ...parts.flatMap(({ disposition, content, padding }) => [
        Buffer.from(`--b${padding}\r\n${disposition}\r\n\r\n`),
        content,
        Buffer.from('\r\n'),
      ]),
      Buffer.from(end),
    ]),
  );
const json = fc.oneof(
  anyPhoto.map((bytes) => Buffer.from(JSON.stringify({ image: bytes.toString('base64') }))),
  fc
    .constantFrom(
      `{"image":"","x":${'['.repeat(100_000)}`,
      `{"image":"${'A'.repeat(700_000)}"}`,
      '{"image":"',
    )
    .map((text) => Buffer.from(text)),
);
const raw = fc.oneof(anyPhoto, fc.constantFrom(Buffer.alloc(100_000), Buffer.alloc(0)));
const content = fc.oneof(
  ...(
    [
      ['multipart/form-data; boundary=b', form],
      ['application/json', json],
      ['image/png', raw],
    ] as const
  ).map(([type, bytes]) =>
    fc.record({ type: fc.constant(type), body: fc.oneof({ weight: 3, arbitrary: bytes }, damaged(bytes)) }),
  ),
);

/** Whether a client sends what it has announced. */
const lengths = ['right', 'right', 'chunked', 'too long', 'chunked without end', 'far too long'] as const;
const leaves = [
  'half-way',
  'after the upload',
  'later',
  ...Array<'after the answer'>(5).fill('after the answer'),
] as const;

const exchange = fc
  .record({ content, length: fc.constantFrom(...lengths), leaves: fc.constantFrom(...leaves) })
  .chain(({ content: { type, body }, length, leaves: whenItLeaves }) => {
    const isChunked = length.startsWith('chunked');
    const more = length === 'too long' ? 100 : length === 'far too long' ? MAX_BODY_BYTES + 1 : 0;
    const announced = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length + more}`;
    const head = Buffer.from(
      `POST /classify/image HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${type}\r\n${announced}\r\n\r\n`,
    );
    const before = isChunked ? `${body.length.toString(16)}\r\n` : '';
    const end = length === 'chunked' ? (body.length === 0 ? '\r\n' : '\r\n0\r\n\r\n') : '\r\n5\r\nab';
    const rest = Buffer.concat([Buffer.from(before), body, Buffer.from(isChunked ? end : '')]);
    const isWhole = length === 'right' || length === 'chunked' || length === 'far too long';
    const sound = fc.constant({ head, rest, isWhole, leaves: whenItLeaves });
    const odd = damaged(fc.constant(head)).map((bytes) => ({
      ...{ head: bytes, rest, isWhole: false, leaves: whenItLeaves },
    }));
    return fc.oneof({ weight: 5, arbitrary: sound }, odd);
  });
type Exchange = typeof exchange extends fc.Arbitrary<infer T> ? T : never;

/** @returns what came back, until the server closed the connection or the client left */
const send = async (
  url: string,
  { head, rest, isWhole, leaves: whenItLeaves }: Exchange,
): Promise<string> => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
  let answer = '';
  socket.setEncoding('latin1').on('data', (text) => (answer += text));
  const closed = once(socket, 'close');
  const answered = once(socket, 'data').catch(() => {});
  await once(socket, 'connect');
  socket.write(Buffer.concat([head, whenItLeaves === 'half-way' ? rest.subarray(0, rest.length / 2) : rest]));
  if (whenItLeaves === 'later') await setTimeout(3);
  if (whenItLeaves === 'after the answer') {
    // Whoever has not sent all of it ends its own side.
    if (!isWhole) socket.end();
    const timeLimit = new AbortController();
    await Promise.race([
      isWhole ? Promise.race([answered, closed]) : closed,
      setTimeout(ANSWER_MS, undefined, timeLimit).then(() =>
        assert.fail(`No end of ${head.toString('latin1')}, so far: ${answer}`),
      ),
    ]);
    timeLimit.abort();
    if (isWhole) assert.notEqual(answer, '', `No answer to ${head.toString('latin1')}`);
  }
  socket.destroy();
  return answer;
};

const rssMiB = () => {
  globalThis.gc?.();
  return process.memoryUsage().rss / 2 ** 20;
};

test('however a request is damaged, it is answered, and nothing is left behind', async (t) => {
  const temporary = mkdtempSync(path.join(tmpdir(), 'bloomstack-fuzz-'));
  t.after(() => rmSync(temporary, { recursive: true }));
  process.env['TMPDIR'] = temporary;
  const log = pino({ level: 'silent' });
  const serve = async ({ fetch }: Pick<Parameters<typeof startServer>[0], 'fetch'>, shedding?: Shedding) => {
    const options = { fetch, port: 0, hostname: '127.0.0.1', log, ...(shedding && { shedding }) };
    const server = await startServer(options);
    t.after(() => server.stop(0));
    return server.url;
  };
  const uploads = new Uploads({ bytes: 2 ** 27 });
  const invocations = new WorkQueue({ slots: 2, paceMs: 1 });
  const decoder = new Decoder();
  const classifying = new PhotoClassifier({ classifier: fakeClassifier(), uploads, invocations, decoder });
  const app = createWasApp({ log, photos: classifying });
  const was = await serve(app);
  const web = await serve(createWebApp({ log, wasUrl: was, version: 'test' }));
  const impatient = new PhotoClassifier({ classifier: fakeClassifier(), maxWaitMs: -1 });
  const full = await serve(app, new Shedding({ check: refuseEarly(impatient), log }));
  const urls = [was, web, full];
  const queues = [decoder.small, decoder.cheap, decoder.costly, invocations];
  const held = () => [uploads, ...queues.map(({ running: bytes, waiting: count }) => ({ bytes, count }))];
  const isFree = () => held().every(({ bytes, count }) => bytes === 0 && count === 0);

  const statuses = new Map<string, number>();
  let [sent, warmMiB] = [0, 0];
  const exchanges = fc.array(exchange, { minLength: AT_ONCE, maxLength: AT_ONCE });
  await fc.assert(
    fc.asyncProperty(exchanges, async (group) => {
      const answers = await Promise.all(group.map((one, index) => send(urls[index % 3] ?? was, one)));
      for (const answer of answers) {
        const status = answer.slice(9, 12) || 'none';
        assert.ok(status < '500' || status === 'none' || DOCUMENTED.test(answer), answer);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
      const end = performance.now() + ANSWER_MS;
      while (!isFree()) {
        assert.ok(performance.now() < end, `held: ${JSON.stringify(held())}`);
        await setTimeout(2);
      }
      sent += group.length;
      if (warmMiB === 0 && sent >= REQUESTS / 4) warmMiB = rssMiB();
    }),
    {
      numRuns: Math.ceil(REQUESTS / AT_ONCE),
      seed: SEED,
      endOnFailure: true,
      // A group of requests is too long to be shown.
      reporter: ({ failed, errorInstance, counterexamplePath }) => {
        if (failed)
          assert.fail(`Group ${counterexamplePath} of seed ${SEED}: ${errorInstance}`.slice(0, 1000));
      },
    },
  );
  for (const url of [was, web]) {
    const sound = { method: 'POST', headers: { 'Content-Type': 'image/png' }, body: new Uint8Array(photo) };
    assert.equal((await fetch(`${url}/classify/image`, sound)).status, 200);
  }
  assert.deepEqual(readdirSync(temporary), []);
  t.diagnostic(
    `${sent} requests, ${JSON.stringify([...statuses])}, ${Math.round(warmMiB)} to ${Math.round(rssMiB())} MiB`,
  );
  if (globalThis.gc)
    assert.ok(rssMiB() < warmMiB + SPARE_MIB, `memory grew from ${warmMiB} to ${rssMiB()} MiB`);
});
