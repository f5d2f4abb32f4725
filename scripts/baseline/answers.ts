import path from 'node:path';
import sharp from 'sharp';
import { Command, checksum, drawing, masked, pretty, say, seeded, write } from './commands.ts';
import routes from './routes.json' with { type: 'json' };

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

const ask = async (url: string, { headers, ...request }: RequestInit = {}): Promise<unknown> => {
  const all = { 'X-Request-Id': 'baseline', ...headers };
  const response = await fetch(url, { redirect: 'manual', ...request, headers: all });
  const {
    date: _,
    connection: __,
    'keep-alive': ___,
    'server-timing': ____,
    ...kept
  } = Object.fromEntries(response.headers);
  return { status: response.status, headers: kept, body: compared(masked(await response.text())) };
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

const upload = (photo: Buffer, language: string): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/octet-stream', 'Accept-Language': language },
  body: new Uint8Array(photo),
});

/** The photo's pixels, cropped here, as clients other than the application service may send them. */
const invocation = async (photo: Buffer): Promise<RequestInit> => {
  const pixels = await sharp(photo).resize(224, 224).flatten().toColourspace('srgb').raw().toBuffer();
  const body = JSON.stringify({ instances: [{ b64: pixels.toString('base64') }] });
  return { method: 'POST', headers: { 'Content-Type': 'application/json' }, body };
};

export const writeAnswers = async (out: string): Promise<void> => {
  const ports = { WEB_PORT: '0', WAS_PORT: '0', ENDPOINT_PORT: '0' };
  /** Longer than any answer takes, even on a busy machine. */
  const patient = { ENDPOINT_TIMEOUT_MS: '20000' };
  const system = new Command('npm start -s', { ...patient, HOST: '127.0.0.1', ...ports });
  await system.until(() => system.stdout.includes('Ready:'));
  const findUrl = (name: string) => new RegExp(`${name} +(http://\\S+)`).exec(system.stdout)?.[1] ?? '';
  const [web, was, endpoint] = [findUrl('web'), findUrl('was'), findUrl('endpoint')];
  const photos = await drawPhotos();
  /** One at a time, so that none waits for another. */
  const save = async <T>(
    name: string,
    table: Readonly<Record<string, T>>,
    answer: (row: T) => Promise<unknown>,
  ): Promise<void> => {
    say(`answers: ${name}`);
    const answers: Record<string, unknown> = {};
    for (const [key, row] of Object.entries(table)) answers[key] = await answer(row);
    write(path.join(out, `${name}.json`), pretty(answers));
  };

  await save('photos-to-web', photos, (photo) => ask(`${web}/classify/image`, upload(photo, 'en')));
  await save('photos-to-was', photos, (photo) => ask(`${was}/classify/image`, upload(photo, 'ko')));
  await save('photos-to-endpoint', photos, async (photo) =>
    ask(`${endpoint}/invocations`, await invocation(photo)),
  );
  const status = await (await fetch(`${endpoint}/v1/models/image-classifier`)).text();
  const [, version = ''] = /"version":"(\d+)"/.exec(status) ?? [];
  for (const [name, lines] of Object.entries(routes)) {
    const base = findUrl(name);
    const table = Object.fromEntries(lines.map((line) => [line, line.replace('{version}', version)]));
    await save(`routes-of-${name}`, table, (line) => {
      const [method = '', route = ''] = line.split(' ');
      return ask(base + route, { method });
    });
  }
  await system.stop();
};
