import { request } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import sharp from 'sharp';
import { Command, checksum, drawing, masked, pretty, say, seeded, write } from './commands.ts';
import inputs from './requests.json' with { type: 'json' };
import {
  type Asked,
  CLASSIFY,
  invocations,
  mapValues,
  post,
  type Requests,
  repeated,
  routes,
  uploads,
} from './requests.ts';

/** Answers of the services that `npm start` starts. */

/** Keeps JSON as JSON if that is lossless, and replaces long texts with their checksum. */
const compared = (body: string): unknown => {
  try {
    const json: unknown = JSON.parse(body);
    if (JSON.stringify(json) === body) return json;
  } catch {
    // Not JSON.
  }
  return body.length > 500 ? { length: body.length, sha256: checksum(body) } : body;
};

/** By node:http, because `fetch` adds headers of its own. */
const ask = (base: string, { method = 'GET', path, headers = {}, body }: Asked): Promise<unknown> =>
  new Promise((resolve) => {
    const length = body && !('Transfer-Encoding' in headers) && { 'Content-Length': body.length };
    const all = { 'X-Request-Id': 'baseline', ...length, ...headers };
    const outgoing = request(base, { method, path, agent: false, headers: all });
    outgoing.on('error', (error) => resolve(masked(`no answer: ${error.message}`)));
    outgoing.once('response', async (incoming) => {
      const { connection: _, date: __, 'keep-alive': ___, ...kept } = incoming.headers;
      const sorted = Object.fromEntries(Object.entries(kept).sort(([a], [b]) => (a < b ? -1 : 1)));
      const received = await text(incoming).catch((error: unknown) => `broke off: ${error}`);
      resolve({ status: incoming.statusCode, headers: sorted, body: compared(masked(received)) });
      outgoing.destroy();
    });
    if ('Content-Length' in headers) outgoing.flushHeaders();
    else outgoing.end(body);
  });

const askBytes = async (base: string, bytes: string): Promise<readonly string[]> => {
  const socket = connect(Number(new URL(base).port), '127.0.0.1').on('error', () => {});
  socket.write(repeated(bytes));
  return masked(String(await buffer(socket)))
    .split('\r\n')
    .filter((line) => !/^date:/i.test(line));
};

/** One at a time, so that none waits for another. */
const answerEach = async <T>(
  table: Readonly<Record<string, T>>,
  answer: (row: T) => Promise<unknown>,
): Promise<Record<string, unknown>> => {
  const answers: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(table)) answers[name] = await answer(row);
  return answers;
};

const drawPhotos = async (): Promise<Record<string, Buffer>> => {
  const random = seeded(50);
  const formats = ['jpeg', 'png', 'webp'] as const;
  const drawn = Array.from({ length: 50 }, async (_, index) => {
    const picture = drawing(random, index * 7, 200 + ((index * 37) % 300), 220 + ((index * 53) % 200));
    return [`drawn ${index}`, await picture.toFormat(formats[index % 3] ?? 'png').toBuffer()] as const;
  });
  return Object.fromEntries(await Promise.all(drawn));
};

/** The photo's pixels, cropped here, as clients other than the application service may send them. */
const invocation = async (file: Buffer): Promise<Asked> => {
  const pixels = await sharp(file).resize(224, 224).flatten().toColourspace('srgb').raw().toBuffer();
  const body = JSON.stringify({ instances: [{ b64: pixels.toString('base64') }] });
  return post('/invocations', 'application/json', body);
};

export const writeAnswers = async (out: string): Promise<void> => {
  const save = (name: string, answers: unknown): void =>
    write(path.join(out, `${name}.json`), pretty(answers));
  const ports = { WEB_PORT: '0', WAS_PORT: '0', ENDPOINT_PORT: '0' };
  /** Longer than any answer takes, even on a busy machine. */
  const patient = { ENDPOINT_TIMEOUT_MS: '20000' };
  const system = new Command('npm start -s', { ...patient, HOST: '127.0.0.1', ...ports });
  await system.until(() => system.stdout.includes('Ready:'));
  const findUrl = (name: string): string =>
    new RegExp(`${name} +(http://\\S+)`).exec(system.stdout)?.[1] ?? '';
  const [web, was, endpoint] = [findUrl('web'), findUrl('was'), findUrl('endpoint')];
  const saveAnswers = async (name: string, all: Requests, base: string): Promise<void> =>
    save(name, await answerEach(all, (asked) => ask(base, asked)));

  say('answers: photos');
  const photos = await drawPhotos();
  const upload = (headers: Asked['headers']) => (photo: Buffer) =>
    post(CLASSIFY, 'application/octet-stream', photo, headers);
  await saveAnswers('photos/web', mapValues(photos, upload({})), web);
  await saveAnswers('photos/was', mapValues(photos, upload({ 'Accept-Language': 'ko' })), was);
  save('photos/endpoint', await answerEach(photos, async (photo) => ask(endpoint, await invocation(photo))));

  say('answers: uploads');
  const all = await uploads();
  await saveAnswers('uploads-to-web', all, web);
  await saveAnswers('uploads-to-was', all, was);

  say('answers: routes, invocations, and malformed requests');
  await saveAnswers('web', routes(inputs.routes.web), web);
  await saveAnswers('was', routes(inputs.routes.was), was);
  const status = await (await fetch(`${endpoint}/v1/models/image-classifier`)).text();
  const [, version = ''] = /"version":"(\d+)"/.exec(status) ?? [];
  const ofEndpoint = inputs.routes.endpoint.map((route) => route.replace('{version}', version));
  await saveAnswers('endpoint', { ...routes(ofEndpoint), ...invocations(version) }, endpoint);
  for (const [name, url] of Object.entries({ web, was, endpoint }))
    save(`unreadable-to-${name}`, await answerEach(inputs.unreadable, (bytes) => askBytes(url, bytes)));
  await system.stop();
};
