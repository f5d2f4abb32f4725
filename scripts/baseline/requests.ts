import sharp from 'sharp';
import { drawing, seeded } from './commands.ts';
import inputs from './requests.json' with { type: 'json' };

/** The inputs of the tables in the services' tests, and a few more. */

export interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

export type Requests = Readonly<Record<string, Asked>>;

export const post = (
  path: string,
  type: string,
  body: string | Uint8Array,
  headers: Asked['headers'] = {},
): Asked => ({
  method: 'POST',
  path,
  headers: { ...(type !== '' && { 'Content-Type': type }), ...headers },
  body: typeof body === 'string' ? Buffer.from(body, 'latin1') : Buffer.from(body),
});

export const CHUNKED = { 'Transfer-Encoding': 'chunked' };
export const CLASSIFY = '/classify/image';
const JSON_TYPE = 'application/json';
const FORM = 'multipart/form-data; boundary=b';
const HEAD = 'Content-Disposition: form-data; name="file"';
const FIELD = `--b\r\n${HEAD}\r\n\r\nx\r\n`;

/** A request that says how long it is, and is to be refused for that before its body is sent. */
const announced = (path: string, bytes: number): Asked => ({
  method: 'POST',
  path,
  headers: { 'Content-Type': JSON_TYPE, 'Content-Length': String(bytes) },
});

const MEBIBYTE = 2 ** 20;
/** A photo of 15 MiB in base64, and what is around it. */
const LARGEST_BODY = 20 * MEBIBYTE + 64 * 1024;
const LARGEST_INVOCATION = 6 * MEBIBYTE;

const pictures = async (): Promise<Record<string, Uint8Array>> => {
  const picture = drawing(seeded(3), 90, 400, 300);
  const plain = (width: number, height: number, alpha = 1) =>
    sharp({ create: { width, height, channels: 4, background: { r: 200, g: 80, b: 60, alpha } } });
  const frames = await Promise.all([0.1, 0.5, 1].map((alpha) => plain(64, 48, alpha).png().toBuffer()));
  const made = {
    JPEG: picture.clone().jpeg({ quality: 95 }),
    'progressive JPEG': picture.clone().jpeg({ progressive: true }),
    PNG: picture.clone().png(),
    WebP: picture.clone().webp(),
    'lossless WebP': picture.clone().webp({ lossless: true }),
    'animated WebP': sharp(frames, { join: { animated: true } }).webp(),
    GIF: picture.clone().gif(),
    TIFF: picture.clone().tiff(),
    AVIF: plain(64, 48).avif(),
    grey: picture.clone().toColourspace('b-w').jpeg(),
    '16 bits': picture.clone().toColourspace('rgb16').png(),
    palette: picture.clone().png({ palette: true }),
    CMYK: picture.clone().toColourspace('cmyk').jpeg(),
    'Display P3': picture.clone().withIccProfile('p3').jpeg(),
    'half transparent PNG': plain(64, 48, 0.5).png(),
    'transparent WebP': plain(64, 48, 0).webp({ lossless: true }),
    '1 x 1': plain(1, 1).png(),
    '16 x 16': plain(16, 16).png(),
    '400 x 15': plain(400, 15).jpeg(),
    '672 x 224': picture.clone().resize(672, 224, { fit: 'fill' }).png(),
    '224 x 672': picture.clone().resize(224, 672, { fit: 'fill' }).png(),
    ...Object.fromEntries(
      [1, 2, 3, 4, 5, 6, 7, 8].map((orientation) => [
        `EXIF orientation ${orientation}`,
        picture.clone().withMetadata({ orientation }).jpeg(),
      ]),
    ),
  };
  const files = Object.entries(made).map(async ([name, each]) => [name, await each.toBuffer()] as const);
  return Object.fromEntries(await Promise.all(files));
};

const damaged = (files: Readonly<Record<string, Uint8Array>>): Record<string, Uint8Array> => {
  const random = seeded(11);
  const all: Record<string, Uint8Array> = {};
  for (const [name, file] of Object.entries(files)) {
    for (const share of [0.01, 0.3, 0.6, 0.97])
      all[`${name} cut at ${share}`] = file.subarray(0, Math.max(16, file.length * share));
    for (const attempt of [1, 2, 3]) {
      const copy = Uint8Array.from(file);
      for (let flip = 0; flip < 8; flip++)
        copy[20 + Math.floor(random() * (file.length - 20))] = random() * 256;
      all[`${name} with wrong bytes ${attempt}`] = copy;
    }
  }
  return all;
};

/** Uploads of all kinds, for the web service and for the application service. */
export const uploads = async (): Promise<Requests> => {
  const made = await pictures();
  const { JPEG = Buffer.alloc(0), 'progressive JPEG': progressive = JPEG, PNG = JPEG, WebP = JPEG } = made;
  const [file, base64] = [Buffer.from(JPEG).toString('latin1'), Buffer.from(PNG).toString('base64')];
  const photo = `--b\r\n${HEAD}; filename="a.jpg"\r\n\r\n${file}\r\n`;
  const filled = (text: string): string =>
    text
      .replace(/\{fields (\d+)\}/, (_, count: string) => FIELD.repeat(Number(count)))
      .replace('{photo}', () => photo)
      .replace('{file}', () => file)
      .replace('{base64}', base64)
      .replace('{base64 lines}', base64.replaceAll(/.{76}/g, '$&\\r\\n'));
  const padded = (bytes: number) => Buffer.concat([JPEG, Buffer.alloc(bytes - JPEG.length)]);
  const files: Record<string, Uint8Array> = {
    ...made,
    ...Object.fromEntries(
      Object.entries(inputs.files).map(([name, text]) => [name, Buffer.from(text, 'latin1')]),
    ),
    ...Object.fromEntries(
      Object.entries(inputs.hollowPngs).map(([name, text]) => [name, Buffer.from(text, 'base64')]),
    ),
    ...damaged({ JPEG, progressive, PNG, WebP }),
    '15 MiB': padded(15 * MEBIBYTE),
    '15 MiB and a byte': padded(15 * MEBIBYTE + 1),
  };
  const all: Record<string, Asked> = {
    chunked: post(CLASSIFY, 'image/jpeg', JPEG, CHUNKED),
    'chunked and too large': post(CLASSIFY, 'image/jpeg', Buffer.alloc(LARGEST_BODY + 1), CHUNKED),
    'too large': announced(CLASSIFY, LARGEST_BODY + 1),
    compressed: post(CLASSIFY, 'image/jpeg', JPEG, { 'Content-Encoding': 'gzip' }),
  };
  for (const language of inputs.languages)
    all[`in ${language}`] = post(CLASSIFY, 'image/jpeg', JPEG, { 'Accept-Language': language });
  for (const [name, text] of Object.entries(inputs.forms))
    all[`form ${name}`] = post(CLASSIFY, FORM, filled(text));
  for (const [name, [type = '', text = '']] of Object.entries(inputs.bodies))
    all[name] = post(CLASSIFY, type, filled(text));
  for (const [name, content] of Object.entries(files))
    all[`file: ${name}`] = post(
      CLASSIFY,
      FORM,
      Buffer.concat([
        Buffer.from(`--b\r\n${HEAD}; filename="a"\r\n\r\n`),
        content,
        Buffer.from('\r\n--b--\r\n'),
      ]),
    );
  return all;
};

/** @param version that the endpoint serves */
export const routes = (of: keyof typeof inputs.routes, version = ''): Requests =>
  Object.fromEntries(
    inputs.routes[of].map((line) => {
      const [method = '', path = ''] = line.replace('{version}', version).split(' ');
      return [line, { method, path }];
    }),
  );

const NESTED = {
  lists: `${'['.repeat(1e5)}${']'.repeat(1e5)}`,
  input: `{"instances":[${'{"a":'.repeat(1e5)}1${'}'.repeat(1e5)}]}`,
};

/** @param version that the endpoint serves */
export const invocations = (version: string): Requests => {
  const photo = (value: number) => ({ b64: Buffer.alloc(224 * 224 * 3, value).toString('base64') });
  const text = (value: unknown): string =>
    JSON.stringify(value, (_, each: unknown) => {
      const [, number] = (typeof each === 'string' && /^photo (\d+)$/.exec(each)) || [];
      return number === undefined ? each : photo(Number(number));
    });
  const line = JSON.stringify(photo(50));
  const column = text(inputs.invocations['a column']);
  const all: Record<string, Asked> = {};
  for (const door of inputs.doors) {
    const path = door.replace('{version}', version);
    for (const [name, value] of Object.entries(inputs.invocations))
      all[`${door}: ${name}`] = post(path, JSON_TYPE, text(value));
    for (const [name, nested] of Object.entries(NESTED))
      all[`${door}: ${name} without end`] = post(path, JSON_TYPE, nested);
    for (const [name, [type = '', body = '']] of Object.entries(inputs.typed))
      all[`${door}: ${name}`] = post(path, type, body.replaceAll('{photo}', line));
    for (const name of ['other', 'image-classifier'])
      all[`${door}: attributes for ${name}`] = post(path, JSON_TYPE, column, {
        'X-Amzn-SageMaker-Custom-Attributes': `tfs-model-name=${name}`,
      });
    all[`${door}: too large`] = announced(path, LARGEST_INVOCATION + 1);
    all[`${door}: chunked and too large`] = post(
      path,
      JSON_TYPE,
      Buffer.alloc(LARGEST_INVOCATION + 1, 'x'),
      CHUNKED,
    );
  }
  for (const path of inputs.wrongDoors) all[path] = post(path, JSON_TYPE, column);
  return all;
};

/** Malformed requests. */
export const UNREADABLE: Readonly<Record<string, string>> = {
  'no HTTP': 'hello\r\n\r\n',
  'a wrong method': 'FOO / HTTP/1.1\r\nHost: x\r\n\r\n',
  'no Host': 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n',
  'a Host that is none': 'GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n',
  'headers without end': `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`,
  'two lengths': 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
};
