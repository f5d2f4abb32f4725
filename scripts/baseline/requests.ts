import sharp from 'sharp';
import { drawing, seeded } from './commands.ts';
import inputs from './requests.json' with { type: 'json' };

/** The inputs of the tables in the services' tests, and a few more. */

export interface HttpRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

export type NamedRequest = readonly [name: string, request: HttpRequest];

export const post = (
  path: string,
  type: string,
  body: string | Uint8Array,
  headers: HttpRequest['headers'] = {},
): HttpRequest => ({
  method: 'POST',
  path,
  headers: { ...(type !== '' && { 'Content-Type': type }), ...headers },
  body: typeof body === 'string' ? Buffer.from(body, 'latin1') : Buffer.from(body),
});

/** Text in which `«3 x»` stands for `xxx`. */
export const unrolled = (text: string): string =>
  text.replaceAll(/«(\d+) (.*?)»/g, (_, count: string, part: string) => part.repeat(Number(count)));

const CHUNKED = { 'Transfer-Encoding': 'chunked' };
export const CLASSIFY = '/classify/image';
const JSON_TYPE = 'application/json';
const FORM = 'multipart/form-data; boundary=b';
const HEAD = 'Content-Disposition: form-data; name="file"';

/** A request that says how long it is, and is to be refused for that before its body is sent. */
const announced = (path: string, bytes: number): HttpRequest => ({
  method: 'POST',
  path,
  headers: { 'Content-Type': JSON_TYPE, 'Content-Length': String(bytes) },
});

const MEBIBYTE = 2 ** 20;
/** A photo of 15 MiB in base64, and what is around it. */
const LARGEST_BODY = 20 * MEBIBYTE + 64 * 1024;
const LARGEST_INVOCATION = 6 * MEBIBYTE;

const pictures = async (): Promise<Record<string, Buffer>> => {
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
  };
  const files: Record<string, Buffer> = {};
  for (const [name, each] of Object.entries(made)) files[name] = await each.toBuffer();
  for (let orientation = 1; orientation <= 8; orientation++)
    files[`EXIF orientation ${orientation}`] = await picture
      .clone()
      .withMetadata({ orientation })
      .jpeg()
      .toBuffer();
  return files;
};

const damaged = (files: Readonly<Record<string, Buffer>>): Record<string, Buffer> => {
  const random = seeded(11);
  const all: Record<string, Buffer> = {};
  for (const [name, file] of Object.entries(files)) {
    for (const share of [0.01, 0.3, 0.6, 0.97])
      all[`${name} cut at ${share}`] = file.subarray(0, Math.max(16, file.length * share));
    for (const attempt of [1, 2, 3]) {
      const copy = Buffer.from(file);
      for (let flip = 0; flip < 8; flip++)
        copy[20 + Math.floor(random() * (file.length - 20))] = random() * 256;
      all[`${name} with wrong bytes ${attempt}`] = copy;
    }
  }
  return all;
};

/** Uploads of all kinds, for the web service and for the application service. */
export const uploads = async (): Promise<NamedRequest[]> => {
  const made = await pictures();
  const { JPEG = Buffer.alloc(0), 'progressive JPEG': progressive = JPEG, PNG = JPEG, WebP = JPEG } = made;
  const [file, base64] = [JPEG.toString('latin1'), PNG.toString('base64')];
  const filled = (text: string): string =>
    text
      .replace(/\{fields (\d+)\}/, (_, count: string) => `--b\r\n${HEAD}\r\n\r\nx\r\n`.repeat(Number(count)))
      .replace('{photo}', `--b\r\n${HEAD}; filename="a.jpg"\r\n\r\n{file}\r\n`)
      .replace('{file}', () => file)
      .replace('{base64}', base64)
      .replace('{base64 lines}', base64.replaceAll(/.{76}/g, '$&\\r\\n'));
  const padded = (bytes: number) => Buffer.concat([JPEG, Buffer.alloc(bytes - JPEG.length)]);
  const files = {
    ...made,
    ...inputs.files,
    ...damaged({ JPEG, progressive, PNG, WebP }),
    '15 MiB': padded(15 * MEBIBYTE),
    '15 MiB and a byte': padded(15 * MEBIBYTE + 1),
  };
  const jpeg = (headers: HttpRequest['headers']) => post(CLASSIFY, 'image/jpeg', JPEG, headers);
  return [
    ['chunked', jpeg(CHUNKED)],
    ['chunked and too large', post(CLASSIFY, 'image/jpeg', Buffer.alloc(LARGEST_BODY + 1), CHUNKED)],
    ['too large', announced(CLASSIFY, LARGEST_BODY + 1)],
    ['compressed', jpeg({ 'Content-Encoding': 'gzip' })],
    ...inputs.languages.map((each) => [`in ${each}`, jpeg({ 'Accept-Language': each })] as const),
    ...Object.entries(inputs.forms).map(
      ([name, text]) => [`form ${name}`, post(CLASSIFY, FORM, filled(text))] as const,
    ),
    ...Object.entries(inputs.bodies).map(
      ([name, [type = '', text = '']]) => [name, post(CLASSIFY, type, filled(text))] as const,
    ),
    ...Object.entries(files).map(([name, content]) => {
      const text = typeof content === 'string' ? content : content.toString('latin1');
      const form = `--b\r\n${HEAD}; filename="a"\r\n\r\n${text}\r\n--b--\r\n`;
      return [`file: ${name}`, post(CLASSIFY, FORM, form)] as const;
    }),
  ];
};

/** @param version that the endpoint serves */
export const routes = (of: keyof typeof inputs.routes, version = ''): NamedRequest[] =>
  inputs.routes[of].map((line) => {
    const [method = '', path = ''] = line.replace('{version}', version).split(' ');
    return [line, { method, path }];
  });

/** @param version that the endpoint serves */
export const invocations = (version: string): NamedRequest[] => {
  const withPhotos = (text: string): string =>
    unrolled(text).replaceAll(/"photo (\d+)"/g, (_, value: string) =>
      JSON.stringify({ b64: Buffer.alloc(224 * 224 * 3, Number(value)).toString('base64') }),
    );
  const column = withPhotos(JSON.stringify(inputs.invocations['a column']));
  const toDoor = (door: string): NamedRequest[] => {
    const path = door.replace('{version}', version);
    const values = Object.entries(inputs.invocations).map(
      ([name, value]) => [name, [JSON_TYPE, JSON.stringify(value)]] as const,
    );
    const requests: NamedRequest[] = [
      ...[...values, ...Object.entries(inputs.typed)].map(
        ([name, [type = '', text = '']]) => [name, post(path, type, withPhotos(text))] as const,
      ),
      ...['other', 'image-classifier'].map((name) => {
        const headers = { 'X-Amzn-SageMaker-Custom-Attributes': `tfs-model-name=${name}` };
        return [`attributes for ${name}`, post(path, JSON_TYPE, column, headers)] as const;
      }),
      ['too large', announced(path, LARGEST_INVOCATION + 1)],
      ['chunked and too large', post(path, JSON_TYPE, Buffer.alloc(LARGEST_INVOCATION + 1, 'x'), CHUNKED)],
    ];
    return requests.map(([name, request]) => [`${door}: ${name}`, request]);
  };
  return [
    ...inputs.doors.flatMap(toDoor),
    ...inputs.wrongDoors.map((path) => [path, post(path, JSON_TYPE, column)] as const),
  ];
};
