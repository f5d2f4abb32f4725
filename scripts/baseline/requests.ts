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

export const mapValues = <T, U>(table: Readonly<Record<string, T>>, make: (row: T) => U, prefix = '') =>
  Object.fromEntries(Object.entries(table).map(([name, row]) => [`${prefix}${name}`, make(row)]));

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

export const CLASSIFY = '/classify/image';
const CHUNKED = { 'Transfer-Encoding': 'chunked' };
const JSON_TYPE = 'application/json';
const FORM = 'multipart/form-data; boundary=b';
const FORM_HEAD = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n';

/** A request that is to be refused for its Content-Length, before its body is sent. */
const announced = (path: string, bytes: number): Asked => ({
  method: 'POST',
  path,
  headers: { 'Content-Type': JSON_TYPE, 'Content-Length': String(bytes) },
});

const MEBIBYTE = 2 ** 20;
/** A photo of 15 MiB in base64, with its envelope. */
const LARGEST_BODY = 20 * MEBIBYTE + 64 * 1024;
const LARGEST_INVOCATION = 6 * MEBIBYTE;

const pictures = async (): Promise<Record<string, Buffer>> => {
  const picture = drawing(seeded(3), 90, 400, 300);
  const copy = () => picture.clone();
  const plain = (width: number, height: number, alpha = 1) =>
    sharp({ create: { width, height, channels: 4, background: { r: 200, g: 80, b: 60, alpha } } });
  const frames = await Promise.all([0.1, 0.5, 1].map((alpha) => plain(64, 48, alpha).png().toBuffer()));
  const made = {
    JPEG: copy().jpeg({ quality: 95 }),
    'progressive JPEG': copy().jpeg({ progressive: true }),
    PNG: copy().png(),
    WebP: copy().webp(),
    'lossless WebP': copy().webp({ lossless: true }),
    'animated WebP': sharp(frames, { join: { animated: true } }).webp(),
    GIF: copy().gif(),
    TIFF: copy().tiff(),
    AVIF: plain(64, 48).avif(),
    grey: copy().toColourspace('b-w').jpeg(),
    '16 bits': copy().toColourspace('rgb16').png(),
    palette: copy().png({ palette: true }),
    CMYK: copy().toColourspace('cmyk').jpeg(),
    'Display P3': copy().withIccProfile('p3').jpeg(),
    'half transparent PNG': plain(64, 48, 0.5).png(),
    'transparent WebP': plain(64, 48, 0).webp({ lossless: true }),
    '1 x 1': plain(1, 1).png(),
    '16 x 16': plain(16, 16).png(),
    '400 x 15': plain(400, 15).jpeg(),
    '672 x 224': copy().resize(672, 224, { fit: 'fill' }).png(),
    '224 x 672': copy().resize(224, 672, { fit: 'fill' }).png(),
  };
  const turned = [1, 2, 3, 4, 5, 6, 7, 8].map(
    (orientation) =>
      [`EXIF orientation ${orientation}`, copy().withMetadata({ orientation }).jpeg()] as const,
  );
  const files = [...Object.entries(made), ...turned].map(
    async ([name, each]) => [name, await each.toBuffer()] as const,
  );
  return Object.fromEntries(await Promise.all(files));
};

/** Text of the table with `<<100 times x>>` written out. */
export const repeated = (text: string): string =>
  text.replaceAll(/<<(\d+) times (.*?)>>/gs, (_, count: string, part: string) => part.repeat(Number(count)));

/** Uploads of all kinds, for `web` and `was`. */
export const uploads = async (): Promise<Requests> => {
  const made = await pictures();
  const { JPEG = Buffer.alloc(0), PNG = JPEG } = made;
  const [file, base64] = [JPEG.toString('latin1'), PNG.toString('base64')];
  const filled = (text: string): string =>
    repeated(text)
      .replace('{photo}', `${FORM_HEAD}{file}\r\n`)
      .replace('{file}', () => file)
      .replace('{base64}', base64)
      .replace('{base64 lines}', base64.replaceAll(/.{76}/g, '$&\\r\\n'));
  const padded = (bytes: number) => Buffer.concat([JPEG, Buffer.alloc(bytes - JPEG.length)]);
  const files: Record<string, Buffer> = {
    ...made,
    ...mapValues(inputs.files, (text) => Buffer.from(text, 'latin1')),
    ...mapValues(inputs.hollowPngs, (text) => Buffer.from(text, 'base64')),
    '15 MiB': padded(15 * MEBIBYTE),
    '15 MiB and a byte': padded(15 * MEBIBYTE + 1),
  };
  const jpeg = (headers: Asked['headers'], body: Uint8Array = JPEG) =>
    post(CLASSIFY, 'image/jpeg', body, headers);
  return {
    chunked: jpeg(CHUNKED),
    'chunked and too large': jpeg(CHUNKED, Buffer.alloc(LARGEST_BODY + 1)),
    'too large': announced(CLASSIFY, LARGEST_BODY + 1),
    compressed: jpeg({ 'Content-Encoding': 'gzip' }),
    ...Object.fromEntries(inputs.languages.map((each) => [`in ${each}`, jpeg({ 'Accept-Language': each })])),
    ...mapValues(inputs.forms, (text) => post(CLASSIFY, FORM, filled(text)), 'form '),
    ...mapValues(inputs.bodies, ([type = '', text = '']) => post(CLASSIFY, type, filled(text))),
    ...mapValues(
      files,
      (content) => post(CLASSIFY, FORM, `${FORM_HEAD}${content.toString('latin1')}\r\n--b--\r\n`),
      'file: ',
    ),
  };
};

/** @param lines the method and path of each request */
export const routes = (lines: readonly string[]): Requests =>
  Object.fromEntries(
    lines.map((line) => {
      const [method = '', path = ''] = line.split(' ');
      return [line, { method, path }];
    }),
  );

/** @param version the version in service */
export const invocations = (version: string): Requests => {
  const photo = (value: number) => ({ b64: Buffer.alloc(224 * 224 * 3, value).toString('base64') });
  const text = (value: unknown): string =>
    JSON.stringify(value, (_, each: unknown) => {
      const [, number] = (typeof each === 'string' && /^photo (\d+)$/.exec(each)) || [];
      return number === undefined ? each : photo(Number(number));
    });
  const line = JSON.stringify(photo(50));
  const through = (door: string): Requests => {
    const path = door.replace('{version}', version);
    const json = (body: string | Uint8Array, headers?: Asked['headers']) =>
      post(path, JSON_TYPE, body, headers);
    return {
      ...mapValues(inputs.invocations, (value) => json(text(value))),
      ...mapValues(inputs.nested, (nested) => json(repeated(nested))),
      ...mapValues(inputs.typed, ([type = '', body = '']) =>
        post(path, type, body.replaceAll('{photo}', line)),
      ),
      'too large': announced(path, LARGEST_INVOCATION + 1),
      'chunked and too large': json(Buffer.alloc(LARGEST_INVOCATION + 1, 'x'), CHUNKED),
    };
  };
  const all = inputs.doors.map((door) => mapValues(through(door), (asked) => asked, `${door}: `));
  return Object.assign({}, ...all);
};
