import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { Command, drawing, freePort, pretty, say, seeded, WORK, write } from './commands.ts';
import { type Asked, answersTo, answersToBytes, fakeServer, type Requests } from './http.ts';
import { endpointRequests, post, UNREADABLE, uploads, WAS, WEB } from './requests.ts';

/** What the services answer, as `npm start` starts them, and what they make of neighbours that misbehave. */

const PHOTOS = 50;
/** Longer than any answer takes, even while the other core trains. */
const PATIENT = { ENDPOINT_TIMEOUT_MS: '20000' };

interface Photo {
  readonly name: string;
  readonly file: Buffer;
}

const photosOf = (folder: string): Photo[] => {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(jpe?g|png|webp)$/i.test(name))
    .sort();
  return Array.from({ length: Math.min(PHOTOS, names.length) }, (_, index) => {
    const name = names[Math.floor((index * names.length) / PHOTOS)] ?? '';
    return { name, file: readFileSync(path.join(folder, name)) };
  });
};

const drawnPhotos = (): Promise<Photo[]> => {
  const random = seeded(50);
  return Promise.all(
    Array.from({ length: PHOTOS }, async (_, index) => {
      const picture = drawing(
        random,
        (index * 360) / PHOTOS,
        200 + ((index * 37) % 300),
        220 + ((index * 53) % 200),
      );
      const file = await (index % 3 === 0
        ? picture.webp()
        : index % 3 === 1
          ? picture.png()
          : picture.jpeg()
      ).toBuffer();
      return { name: `drawn ${index}`, file };
    }),
  );
};

/** As the endpoint is asked by others than the application service: cropped here, and not quite as there. */
const invocation = async (file: Buffer): Promise<Asked> => {
  const pixels = await sharp(file)
    .resize(224, 224, { fit: 'cover' })
    .flatten()
    .toColourspace('srgb')
    .raw()
    .toBuffer();
  return post(
    '/invocations',
    'application/json',
    JSON.stringify({ instances: [{ b64: pixels.toString('base64') }] }),
  );
};

const listening = async (line: string, environment: Readonly<Record<string, string>>) => {
  const port = String(await freePort());
  const url = `http://127.0.0.1:${port}`;
  const command = new Command(line, { LOG_LEVEL: 'silent', HOST: '127.0.0.1', PORT: port, ...environment });
  await command.until(/(?!)/, () =>
    fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return { url, command };
};

const stopped = async (command: Command): Promise<void> => {
  command.signal('SIGINT');
  await command.exited;
};

const photo = post('/classify/image', 'image/png', await drawing(seeded(1), 0, 64, 64).png().toBuffer());
const many = (count: number): Requests =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [String(at), photo]));

/** The web service before a WAS that answers with each of these in turn. */
const webAlone = async (out: string): Promise<void> => {
  const problem = 'application/problem+json';
  const classified: readonly [number, string, string][] = [
    [200, 'application/json', '{"result":{"name":"Astilbe"}}'],
    [200, 'text/plain', 'not JSON at all'],
    [415, problem, '{"code":"unsupported-format"}'],
    [400, 'text/html', '<h1>Bad Request</h1>'],
    [502, problem, '{"code":"model-failed"}'],
    [503, problem, '{"code":"endpoint-unavailable"}'],
    [204, '', ''],
    [503, 'text/html', '<h1>503'],
    [302, '', ''],
    [200, '', 'x'.repeat(2 * 2 ** 20)],
  ];
  const healths: readonly [number, string, string][] = [
    [200, 'application/json', '{"message":"WAS-Connected"}'],
    [200, 'application/json', '{"message":"hello"}'],
    [200, 'text/html', '<h1>It works!</h1>'],
    [200, '', ''],
    [503, 'text/html', '<h1>503 Service Temporarily Unavailable</h1>'],
    [302, '', ''],
    [200, '', 'x'.repeat(2 * 2 ** 20)],
  ];
  const next = { classify: 0, health: 0 };
  const fake = await fakeServer((asked, response) => {
    if (asked.url === '/echo-headers' || asked.headers['accept-language'] === 'echo') {
      const { host: _, ...headers } = asked.headers;
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(headers));
      return;
    }
    const answers = asked.url === '/health' ? healths : classified;
    const at = asked.url === '/health' ? next.health++ : next.classify++;
    const [status, type, body] = answers[at] ?? [200, '', ''];
    const headers = {
      'Retry-After': '7',
      'Set-Cookie': 'a=b',
      Server: 'WAS',
      Location: 'http://elsewhere.test/',
    };
    if (at < answers.length)
      response.writeHead(status, { ...(type && { 'Content-Type': type }), ...headers }).end(body);
    else response.writeHead(200, { 'Content-Length': '100' }).write('{"result"', () => response.destroy());
  });
  const { url, command } = await listening('npm run -s start:web', { WAS_URL: fake.url, VERSION: '<1.2.3>' });
  const health = Object.fromEntries(
    Array.from({ length: healths.length + 1 }, (_, at) => [String(at), { path: '/was/health' }]),
  );
  const answers = {
    classified: await answersTo(many(classified.length + 1), url),
    forwarded: await answersTo(
      {
        headers: post('/classify/image', 'multipart/form-data; boundary=x', 'a photo', {
          'Accept-Language': 'echo',
          Cookie: 'session=secret',
          Authorization: 'Bearer secret',
          'X-Forwarded-For': '10.0.0.1',
          'Proxy-Authorization': 'Basic secret',
          'Content-Encoding': 'gzip',
        }),
      },
      url,
    ),
    health: await answersTo(health, url),
    escaped: await answersTo({ version: { path: '/version' }, page: { path: '/' } }, url),
  };
  fake.stop();
  const nobody = await answersTo({ photo, health: { path: '/was/health' } }, url);
  await stopped(command);
  write(path.join(out, 'web-and-a-wrong-was.json'), pretty({ ...answers, nobody }));
};

/** The application service before an endpoint that answers so. */
const wasAlone = async (out: string): Promise<void> => {
  const row = { probabilities: [1], classes: ['rose'], model_version: '1' };
  const predicted = (more: object) =>
    [200, '', JSON.stringify({ predictions: [{ ...row, ...more }] })] as const;
  const failed = (status: number) =>
    [424, 'ModelError', JSON.stringify({ OriginalStatusCode: status })] as const;
  const table: Readonly<Record<string, readonly [number, string, string]>> = {
    ThrottlingException: [429, 'ThrottlingException', '{"message":"x"}'],
    ModelNotReadyException: [429, 'ModelNotReadyException', '{"message":"x"}'],
    ServiceUnavailable: [503, 'ServiceUnavailable', '{"message":"x"}'],
    InternalFailure: [500, 'InternalFailure', '{"message":"x"}'],
    InternalDependencyException: [530, 'InternalDependencyException', '{"message":"x"}'],
    AccessDeniedException: [403, 'AccessDeniedException', '{"message":"x"}'],
    ValidationError: [400, 'ValidationError', '{"message":"x"}'],
    ModelError: [424, 'ModelError', '{"message":"x"}'],
    'model that refuses': failed(400),
    'model that fails': failed(500),
    'cannot tell': predicted({}),
    'score of 0': predicted({ known_score: 0 }),
    'score above 0': predicted({ known_score: 3.5 }),
    'score below 0': predicted({ known_score: -0.001 }),
    'unheard of flowers': predicted({
      probabilities: [0.2, 0.7, 0.1],
      classes: ['astilbe', 'snow-drop_white', 'iris'],
    }),
    'ten flowers, none of them': predicted({
      known_score: -1,
      probabilities: Array(10).fill(0.1),
      classes: 'abcdefghij'.split(''),
    }),
    'no JSON': [200, '', '<html>'],
    'no predictions': [200, '', '{}'],
    'two photos': [200, '', JSON.stringify({ predictions: [row, row] })],
    'names missing': predicted({ classes: [] }),
    'a score that is no number': predicted({ known_score: 'yes' }),
    'a probability over 1': predicted({ probabilities: [2] }),
  };
  let answer: readonly [number, string, string] | undefined;
  const fake = await fakeServer((_, response) => {
    if (!answer) return void response.destroy();
    const [status, type, body] = answer;
    response
      .writeHead(status, { 'Content-Type': 'application/json', ...(type && { 'x-amzn-ErrorType': type }) })
      .end(body);
  });
  const { url, command } = await listening('npm run -s start:was', {
    ...PATIENT,
    AWS_REGION: 'ap-northeast-2',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: fake.url,
  });
  const answers: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(table)) {
    answer = given;
    Object.assign(answers, await answersTo({ [name]: photo }, url));
  }
  answer = undefined;
  Object.assign(answers, await answersTo({ 'a connection that breaks': photo }, url));
  fake.stop();
  Object.assign(answers, await answersTo({ nobody: photo }, url));
  await stopped(command);
  write(path.join(out, 'was-and-a-wrong-endpoint.json'), pretty(answers));
};

const assetsOf = async (web: string): Promise<Requests> => {
  const pages = await Promise.all(['/', '/was/check'].map(async (page) => (await fetch(web + page)).text()));
  const named = pages.flatMap((html) =>
    [...html.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, asset = '']) => asset),
  );
  return Object.fromEntries([...new Set(named)].sort().map((asset) => [asset, { path: asset }]));
};

export const writeAnswers = async (out: string): Promise<void> => {
  const flowers = process.env['FLOWERS_DIR'];
  const photos = flowers && existsSync(flowers) ? photosOf(flowers) : await drawnPhotos();
  const system = new Command('npm start -s', {
    ...PATIENT,
    HOST: '127.0.0.1',
    WEB_PORT: '0',
    WAS_PORT: '0',
    ENDPOINT_PORT: '0',
    MODEL_DIR: '',
  });
  await system.until(/Ready:/);
  const urlOf = (name: string) => new RegExp(`${name} +(http://\\S+)`).exec(system.stdout)?.[1] ?? '';
  const [web, was, endpoint] = [urlOf('web'), urlOf('was'), urlOf('endpoint')];
  const save = async (name: string, requests: Requests, url: string) => {
    say(`answers: ${name}, ${Object.keys(requests).length} requests`);
    write(path.join(out, `${name}.json`), pretty(await answersTo(requests, url)));
  };
  const folder = flowers ? 'photos-of-flowers' : 'photos-drawn';
  const all = await Promise.all(
    photos.map(async ({ name, file }) => ({ name, file, invoked: await invocation(file) })),
  );
  const ask = (make: (each: (typeof all)[number]) => Asked): Requests =>
    Object.fromEntries(all.map((each) => [each.name, make(each)]));
  await save(
    `${folder}/web`,
    ask(({ file }) => post('/classify/image', 'application/octet-stream', file)),
    web,
  );
  await save(
    `${folder}/was`,
    ask(({ file }) => post('/classify/image', 'application/octet-stream', file, { 'Accept-Language': 'ko' })),
    was,
  );
  await save(
    `${folder}/endpoint`,
    ask(({ invoked }) => invoked),
    endpoint,
  );

  const bad = await uploads();
  await save('uploads-web', bad, web);
  await save('uploads-was', bad, was);
  await save('web', { ...WEB, ...(await assetsOf(web)) }, web);
  await save('was', WAS, was);
  const served = /image-classifier\/(\d+)/.exec(
    readdirSync(path.join(WORK, 'build/endpoint'), { recursive: true, encoding: 'utf8' }).join('\n'),
  )?.[1];
  await save('endpoint', endpointRequests(served ?? ''), endpoint);
  for (const [name, url] of Object.entries({ web, was, endpoint }))
    write(path.join(out, `unreadable-${name}.json`), pretty(await answersToBytes(UNREADABLE, url)));
  await stopped(system);

  say('answers: services whose neighbours misbehave');
  await webAlone(out);
  await wasAlone(out);
};
