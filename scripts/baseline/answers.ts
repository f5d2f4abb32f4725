import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import { Command, drawing, type Environment, masked, pretty, say, seeded, write } from './commands.ts';
import inputs from './requests.json' with { type: 'json' };
import {
  CLASSIFY,
  type HttpRequest,
  invocations,
  type NamedRequest,
  post,
  routes,
  unrolled,
  uploads,
} from './requests.ts';

/** What the services answer, as `npm start` starts them, and what they make of neighbours that misbehave. */

export const checksum = (content: string | Uint8Array): string =>
  createHash('sha256').update(content).digest('hex');

const VOLATILE = new Set(['connection', 'date', 'keep-alive']);

/** JSON as JSON, if that loses nothing; long texts as their checksum. */
const compared = (text: string): unknown => {
  try {
    const json: unknown = JSON.parse(text);
    if (JSON.stringify(json) === text) return json;
  } catch {
    // Then it is no JSON.
  }
  return text.length > 500 ? { length: text.length, sha256: checksum(text) } : text;
};

/** By node:http, because `fetch` adds headers of its own. */
const ask = (base: string, { method = 'GET', path, headers = {}, body }: HttpRequest): Promise<unknown> =>
  new Promise((resolve) => {
    const length = body && !('Transfer-Encoding' in headers) && { 'Content-Length': body.length };
    const all = { 'X-Request-Id': 'baseline', ...length, ...headers };
    const outgoing = request(base, { method, path, agent: false, headers: all });
    outgoing.on('error', (error) => resolve(masked(`no answer: ${error.message}`)));
    outgoing.once('response', async (incoming) => {
      const named = Object.entries(incoming.headers).filter(([name]) => !VOLATILE.has(name));
      try {
        resolve({
          status: incoming.statusCode,
          headers: Object.fromEntries(named.sort(([a], [b]) => (a < b ? -1 : 1))),
          body: compared(masked(String(await buffer(incoming)))),
        });
      } catch (error) {
        resolve(masked(`broke off: ${error}`));
      }
      outgoing.destroy();
    });
    if ('Content-Length' in headers) outgoing.flushHeaders();
    else outgoing.end(body);
  });

/** One after the other, so that none waits for another. */
const answersTo = async (requests: readonly NamedRequest[], base: string) => {
  const answers: Record<string, unknown> = {};
  for (const [name, each] of requests) answers[name] = await ask(base, each);
  return answers;
};

const answersToBytes = async (base: string) => {
  const answers: Record<string, unknown> = {};
  for (const [name, bytes] of Object.entries(inputs.unreadable)) {
    const socket = connect(Number(new URL(base).port), '127.0.0.1').on('error', () => {});
    socket.write(unrolled(bytes));
    const lines = masked(String(await buffer(socket))).split('\r\n');
    answers[name] = lines.filter((line) => !/^date:/i.test(line));
  }
  return answers;
};

const listen = async (answer: (asked: IncomingMessage, response: ServerResponse) => void) => {
  const server = createServer((asked, response) => {
    // Not before it has been read: an answer to half a request may be lost.
    asked
      .on('error', () => {})
      .once('end', () => answer(asked, response))
      .resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port, url: `http://127.0.0.1:${port}`, stop };
};

/** One service alone, on a port that was free a moment ago. */
const startAlone = async (name: string, environment: Environment) => {
  const { port, url, stop } = await listen(() => {});
  await stop();
  const settings = { LOG_LEVEL: 'silent', HOST: '127.0.0.1', PORT: String(port) };
  const command = new Command(`npm run -s start:${name}`, { ...settings, ...environment });
  const isHealthy = () =>
    fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  await command.until(isHealthy);
  return { url, command };
};

type Row = readonly (number | string)[];

/** Answers as a row of status, type or error, and text says. */
const answerWith = ([status, , text]: Row, headers: Record<string, string>, response: ServerResponse) => {
  response.writeHead(Number(status), headers);
  if (text === '{break off}') response.write('{"result"', () => response.destroy());
  else response.end(text === '{2 MiB}' ? 'x'.repeat(2 * 2 ** 20) : text);
};

const drawn = await drawing(seeded(1), 0, 64, 64).png().toBuffer();
const photo = post(CLASSIFY, 'image/png', drawn);
const health = { path: '/was/health' };

const askWebAlone = async (): Promise<unknown> => {
  let forwarded: unknown;
  const next = { classified: 0, health: 0 };
  const was = await listen(({ url, headers: { host: _, ...headers } }, response) => {
    forwarded = headers;
    const of = url === '/health' ? 'health' : 'classified';
    const row: Row = inputs[of][next[of]++] ?? [200, 'text/plain', ''];
    const type = row[1] !== '' && { 'Content-Type': String(row[1]) };
    answerWith(row, { ...inputs.neighbour, ...type }, response);
  });
  const { url, command } = await startAlone('web', { WAS_URL: was.url, VERSION: '<1.2.3>' });
  /** The same request for each row, as the neighbour answers with the next each time. */
  const each = (rows: readonly Row[], asked: HttpRequest) =>
    answersTo(
      rows.map((row) => [JSON.stringify(row), asked]),
      url,
    );
  const answers = {
    classified: await each(inputs.classified, photo),
    health: await each(inputs.health, health),
    version: await ask(url, { path: '/version' }),
    page: await ask(url, { path: '/' }),
  };
  await ask(url, post(CLASSIFY, 'multipart/form-data; boundary=x', 'a photo', inputs.forwarded));
  const received = forwarded;
  await was.stop();
  const nobody = { classified: await ask(url, photo), health: await ask(url, health) };
  await command.stop();
  return { ...answers, forwarded: received, nobody };
};

/** Longer than any answer takes, even while the other core trains. */
const PATIENT = { ENDPOINT_TIMEOUT_MS: '20000' };

const askWasAlone = async (): Promise<unknown> => {
  let row: Row = [];
  const endpoint = await listen((_, response) => {
    const error = row[1] !== '' && { 'x-amzn-ErrorType': String(row[1]) };
    answerWith(row, { 'Content-Type': 'application/json', ...error }, response);
  });
  const { url, command } = await startAlone('was', {
    ...PATIENT,
    AWS_REGION: 'ap-northeast-2',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: endpoint.url,
  });
  const answers: Record<string, unknown> = {};
  // Not one row for each request: the SDK asks twice.
  for (row of inputs.invoked) answers[JSON.stringify(row)] = await ask(url, photo);
  await endpoint.stop();
  answers['nobody'] = await ask(url, photo);
  await command.stop();
  return answers;
};

const PHOTOS = 50;

const photosBelow = (folder: string): [name: string, file: Buffer][] => {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(jpe?g|png|webp)$/i.test(name))
    .sort();
  // From all of its classes.
  const chosen = names.filter((_, index) => (index * PHOTOS) % names.length < PHOTOS);
  return chosen.map((name) => [name, readFileSync(path.join(folder, name))]);
};

/** The photo as others than the application service may send it: cropped here. */
const invocation = async (file: Buffer): Promise<HttpRequest> => {
  const pixels = await sharp(file).resize(224, 224).flatten().toColourspace('srgb').raw().toBuffer();
  const instances = [{ b64: pixels.toString('base64') }];
  return post('/invocations', 'application/json', JSON.stringify({ instances }));
};

const assetsOf = async (web: string): Promise<NamedRequest[]> => {
  const pages = await Promise.all(['/', '/was/check'].map(async (page) => (await fetch(web + page)).text()));
  const named = pages.flatMap((html) =>
    [...html.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, asset = '']) => asset),
  );
  return [...new Set(named)].sort().map((asset) => [asset, { path: asset }]);
};

export const writeAnswers = async (out: string): Promise<void> => {
  const save = (name: string, answers: unknown): void =>
    write(path.join(out, `${name}.json`), pretty(answers));
  const address = { HOST: '127.0.0.1', WEB_PORT: '0', WAS_PORT: '0', ENDPOINT_PORT: '0' };
  const system = new Command('npm start -s', { ...PATIENT, ...address });
  await system.until(() => system.stdout.includes('Ready:'));
  const urlOf = (name: string): string => new RegExp(`${name} +(http://\\S+)`).exec(system.stdout)?.[1] ?? '';
  const [web, was, endpoint] = [urlOf('web'), urlOf('was'), urlOf('endpoint')];

  say('answers: photos');
  const photos = process.env['FLOWERS_DIR'] ? photosBelow(process.env['FLOWERS_DIR']) : [];
  for (const [service, url, headers] of [
    ['web', web, {}],
    ['was', was, { 'Accept-Language': 'ko' }],
  ] as const) {
    const toService = photos.map(
      ([name, file]) => [name, post(CLASSIFY, 'application/octet-stream', file, headers)] as const,
    );
    save(`photos-of-flowers/${service}`, await answersTo(toService, url));
  }
  const toEndpoint = await Promise.all(
    photos.map(async ([name, file]) => [name, await invocation(file)] as const),
  );
  save('photos-of-flowers/endpoint', await answersTo(toEndpoint, endpoint));

  say('answers: uploads');
  const all = await uploads();
  save('uploads-to-web', await answersTo(all, web));
  save('uploads-to-was', await answersTo(all, was));

  say('answers: routes, invocations, and what is no request');
  save('web', await answersTo([...routes('web'), ...(await assetsOf(web))], web));
  save('was', await answersTo(routes('was'), was));
  const status = await (await fetch(`${endpoint}/v1/models/image-classifier`)).text();
  const [, version = ''] = /"version":"(\d+)"/.exec(status) ?? [];
  save('endpoint', await answersTo([...routes('endpoint', version), ...invocations(version)], endpoint));
  for (const [name, url] of Object.entries({ web, was, endpoint }))
    save(`unreadable-to-${name}`, await answersToBytes(url));
  await system.stop();

  say('answers: with neighbours that misbehave');
  save('web-alone', await askWebAlone());
  save('was-alone', await askWasAlone());
};
