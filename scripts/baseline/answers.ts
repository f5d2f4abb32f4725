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
  type Asked,
  CLASSIFY,
  invocations,
  post,
  type Requests,
  repeated,
  requests,
  routes,
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
    // Not JSON.
  }
  return text.length > 500 ? { length: text.length, sha256: checksum(text) } : text;
};

const describeAnswer = async (incoming: IncomingMessage) => {
  const headers = Object.entries(incoming.headers).filter(([name]) => !VOLATILE.has(name));
  return {
    status: incoming.statusCode,
    headers: Object.fromEntries(headers.sort(([a], [b]) => (a < b ? -1 : 1))),
    body: compared(masked(String(await buffer(incoming)))),
  };
};

/** By node:http, because `fetch` adds headers of its own. */
const ask = (base: string, { method = 'GET', path, headers = {}, body }: Asked): Promise<unknown> =>
  new Promise((resolve) => {
    const length = body && !('Transfer-Encoding' in headers) && { 'Content-Length': body.length };
    const all = { 'X-Request-Id': 'baseline', ...length, ...headers };
    const outgoing = request(base, { method, path, agent: false, headers: all });
    outgoing.on('error', (error) => resolve(masked(`no answer: ${error.message}`)));
    outgoing.once('response', async (incoming) => {
      resolve(await describeAnswer(incoming).catch((error: unknown) => masked(`broke off: ${error}`)));
      outgoing.destroy();
    });
    if ('Content-Length' in headers) outgoing.flushHeaders();
    else outgoing.end(body);
  });

const askBytes = async (base: string, bytes: string): Promise<readonly string[]> => {
  const socket = connect(Number(new URL(base).port), '127.0.0.1').on('error', () => {});
  socket.write(bytes);
  return masked(String(await buffer(socket)))
    .split('\r\n')
    .filter((line) => !/^date:/i.test(line));
};

/** One after the other, so that none waits for another. */
const answerEach = async <T>(
  table: Readonly<Record<string, T>>,
  answer: (row: T) => Promise<unknown>,
): Promise<Record<string, unknown>> => {
  const answers: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(table)) answers[name] = await answer(row);
  return answers;
};

const answersTo = (all: Requests, base: string) => answerEach(all, (asked) => ask(base, asked));

type Row = readonly (number | string)[];
const byRow = (rows: readonly Row[]) => Object.fromEntries(rows.map((row) => [JSON.stringify(row), row]));

/** A neighbour that answers as a row says: status, a header's value, text. */
const neighbour = async (answer: (asked: IncomingMessage, response: ServerResponse) => Row) => {
  const server = createServer((asked, response) => {
    // Not before it has been read: an answer to half a request may be lost.
    asked
      .on('error', () => {})
      .once('end', () => {
        const [, , text = ''] = answer(asked, response);
        if (text === '{break off}') response.write('{"result"', () => response.destroy());
        else response.end(text === '{2 MiB}' ? 'x'.repeat(2 * 2 ** 20) : text);
      })
      .resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = String(typeof address === 'object' && address ? address.port : 0);
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port, url: `http://127.0.0.1:${port}`, stop };
};

/** One service alone, on a port that was free a moment ago. */
const startAlone = async (line: string, environment: Environment) => {
  const { port, url, stop } = await neighbour(() => []);
  await stop();
  const command = new Command(line, {
    LOG_LEVEL: 'silent',
    HOST: '127.0.0.1',
    PORT: port,
    ...environment,
  });
  await command.until(() =>
    fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return { url, command };
};

const drawn = await drawing(seeded(1), 0, 64, 64).png().toBuffer();
const photo = post(CLASSIFY, 'image/png', drawn);

const askWebAlone = async (): Promise<unknown> => {
  let forwarded: unknown;
  const rows = { classified: [...inputs.classified], health: [...inputs.health] };
  const was = await neighbour(({ url, headers: { host: _, ...headers } }, response) => {
    forwarded = headers;
    const row = rows[url === '/health' ? 'health' : 'classified'].shift() ?? [200, 'text/plain', ''];
    response.writeHead(Number(row[0]), {
      ...{ 'Retry-After': '7', 'Set-Cookie': 'a=b', Server: 'WAS', Location: 'http://elsewhere.test/' },
      ...(row[1] !== '' && { 'Content-Type': row[1] }),
    });
    return row;
  });
  const { url, command } = await startAlone('npm run -s start:web', { WAS_URL: was.url, VERSION: '<1.2.3>' });
  const health = { path: '/was/health' };
  const answers = {
    classified: await answerEach(byRow(inputs.classified), () => ask(url, photo)),
    health: await answerEach(byRow(inputs.health), () => ask(url, health)),
    ...(await answersTo({ version: { path: '/version' }, page: { path: '/' } }, url)),
  };
  await ask(url, post(CLASSIFY, 'multipart/form-data; boundary=x', 'a photo', inputs.notForwarded));
  const echoed = forwarded;
  await was.stop();
  const unreachable = await answersTo({ classified: photo, health }, url);
  await command.stop();
  return { ...answers, forwarded: echoed, unreachable };
};

/** Longer than any answer takes, even while the other core trains. */
const PATIENT = { ENDPOINT_TIMEOUT_MS: '20000' };

const askWasAlone = async (): Promise<unknown> => {
  let row: Row = [];
  const endpoint = await neighbour((_, response) => {
    const type = row[1] !== '' && { 'x-amzn-ErrorType': row[1] };
    response.writeHead(Number(row[0]), { 'Content-Type': 'application/json', ...type });
    return row;
  });
  const { url, command } = await startAlone('npm run -s start:was', {
    ...PATIENT,
    AWS_REGION: 'ap-northeast-2',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: endpoint.url,
  });
  // Not one row for each request: the SDK asks twice.
  const answers = await answerEach(byRow(inputs.invoked), (each) => {
    row = each;
    return ask(url, photo);
  });
  await endpoint.stop();
  const unreachable = await ask(url, photo);
  await command.stop();
  return { ...answers, unreachable };
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

const drawPhotos = (): Promise<[name: string, file: Buffer][]> => {
  const random = seeded(50);
  const formats = ['jpeg', 'png', 'webp'] as const;
  return Promise.all(
    Array.from({ length: PHOTOS }, async (_, index) => {
      const picture = drawing(random, index * 7, 200 + ((index * 37) % 300), 220 + ((index * 53) % 200));
      return [`drawn ${index}`, await picture.toFormat(formats[index % 3] ?? 'png').toBuffer()];
    }),
  );
};

/** The photo as others than the application service may send it: cropped here. */
const invocation = async (file: Buffer): Promise<Asked> => {
  const pixels = await sharp(file).resize(224, 224).flatten().toColourspace('srgb').raw().toBuffer();
  const body = JSON.stringify({ instances: [{ b64: pixels.toString('base64') }] });
  return post('/invocations', 'application/json', body);
};

const listAssets = async (web: string): Promise<Requests> => {
  const pages = await Promise.all(['/', '/was/check'].map(async (page) => (await fetch(web + page)).text()));
  const named = pages.flatMap((html) =>
    [...html.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, asset = '']) => asset),
  );
  return Object.fromEntries([...new Set(named)].sort().map((asset) => [asset, { path: asset }]));
};

export const writeAnswers = async (out: string): Promise<void> => {
  const save = (name: string, answers: unknown): void =>
    write(path.join(out, `${name}.json`), pretty(answers));
  const flowers = process.env['FLOWERS_DIR'];
  const photos = Object.fromEntries(flowers ? photosBelow(flowers) : await drawPhotos());
  const folder = flowers ? 'photos-of-flowers' : 'photos-drawn';
  const ports = { WEB_PORT: '0', WAS_PORT: '0', ENDPOINT_PORT: '0' };
  const system = new Command('npm start -s', { ...PATIENT, HOST: '127.0.0.1', ...ports });
  await system.until(() => system.stdout.includes('Ready:'));
  const findUrl = (name: string): string =>
    new RegExp(`${name} +(http://\\S+)`).exec(system.stdout)?.[1] ?? '';
  const [web, was, endpoint] = [findUrl('web'), findUrl('was'), findUrl('endpoint')];

  say('answers: photos');
  const upload = (language: Asked['headers']) => (file: Buffer) =>
    post(CLASSIFY, 'application/octet-stream', file, language);
  save(`${folder}/web`, await answersTo(requests(photos, upload({})), web));
  save(`${folder}/was`, await answersTo(requests(photos, upload({ 'Accept-Language': 'ko' })), was));
  save(`${folder}/endpoint`, await answerEach(photos, async (file) => ask(endpoint, await invocation(file))));

  say('answers: uploads');
  const all = await uploads();
  save('uploads-to-web', await answersTo(all, web));
  save('uploads-to-was', await answersTo(all, was));

  say('answers: routes, invocations, and malformed requests');
  save('web', await answersTo({ ...routes('web'), ...(await listAssets(web)) }, web));
  save('was', await answersTo(routes('was'), was));
  const status = await (await fetch(`${endpoint}/v1/models/image-classifier`)).text();
  const [, version = ''] = /"version":"(\d+)"/.exec(status) ?? [];
  save('endpoint', await answersTo({ ...routes('endpoint', version), ...invocations(version) }, endpoint));
  for (const [name, url] of Object.entries({ web, was, endpoint }))
    save(
      `unreadable-to-${name}`,
      await answerEach(inputs.unreadable, (bytes) => askBytes(url, repeated(bytes))),
    );
  await system.stop();

  say('answers: with neighbours that misbehave');
  save('web-alone', await askWebAlone());
  save('was-alone', await askWasAlone());
};
