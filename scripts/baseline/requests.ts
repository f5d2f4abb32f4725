import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { drawing, seeded } from './commands.ts';
import type { Asked, Requests } from './http.ts';

/** The inputs of the tables in the services' tests, and a few more. */

const CLASSIFY = '/classify/image';
/** The largest body that is taken: a photo of 15 MiB in base64, and what is around it. */
const MAX_BODY_BYTES = 20 * 2 ** 20 + 64 * 1024;
type Headers = Readonly<Record<string, string>>;
export const post = (
  path: string,
  type: string,
  body: string | Uint8Array,
  headers: Headers = {},
): Asked => ({
  method: 'POST',
  path,
  headers: { ...(type !== '' && { 'Content-Type': type }), ...headers },
  body: Buffer.from(body),
});
const announced = (path: string, bytes: number): Asked => ({
  method: 'POST',
  path,
  headers: { 'Content-Type': 'application/json', 'Content-Length': String(bytes) },
});
const raw = (type: string, body: string | Uint8Array, headers?: Headers) =>
  post(CLASSIFY, type, body, headers);
const json = (value: unknown) => raw('application/json', JSON.stringify(value));

const bytes = (text: string) => Buffer.from(text, 'latin1');
const part = (head: string, content: Uint8Array) =>
  Buffer.concat([bytes(`--b\r\n${head}\r\n\r\n`), content, bytes('\r\n')]);
const parts = (...all: Uint8Array[]) => Buffer.concat([...all, bytes('--b--\r\n')]);
const FORM = 'multipart/form-data; boundary=b';
const TEXT = 'Content-Disposition: form-data; name="file"';
const PLAIN = `${TEXT}; filename="a.jpg"`;
const OTHER = 'Content-Disposition: form-data; name="other"; filename="a.jpg"';
const form = (file: Uint8Array, head = PLAIN) => raw(FORM, parts(part(head, file)));

const named = (entries: readonly (readonly [string, Asked])[]): Requests => Object.fromEntries(entries);
const forms = (files: Readonly<Record<string, Uint8Array>>): Requests =>
  named(Object.entries(files).map(([name, file]) => [name, form(file)]));

/** PNGs that hold next to nothing. */
const hollow = (size: string) =>
  Buffer.from(`iVBORw0KGgoAAAANSUhEUgAA${size}AAAADElEQVR4nGNgoD0AAABkAAGGZDw1AAAAAElFTkSuQmCC`, 'base64');

/** Uploads of all kinds, for the web service and for the application service. */
export const uploads = async (): Promise<Requests> => {
  const picture = drawing(seeded(3), 90, 400, 300);
  const [png, jpeg, webp, progressive] = await Promise.all([
    picture.clone().png().toBuffer(),
    picture.clone().jpeg({ quality: 95 }).toBuffer(),
    picture.clone().webp({ quality: 95 }).toBuffer(),
    picture.clone().jpeg({ progressive: true }).toBuffer(),
  ]);
  const base64 = png.toString('base64');
  const plain = (width: number, height: number, alpha = 1) =>
    sharp({ create: { width, height, channels: 4, background: { r: 200, g: 80, b: 60, alpha } } });
  const solid = plain(64, 48).removeAlpha();
  const frames = await Promise.all([0.1, 0.5, 1].map((alpha) => plain(64, 48, alpha).png().toBuffer()));

  const sent = named([
    ['form, JPEG', form(jpeg)],
    ['form, PNG', form(png)],
    ['form, WebP', form(webp)],
    ['raw WebP', raw('image/webp', webp)],
    ['raw PNG that claims to be a JPEG', raw('image/jpeg', png)],
    ['raw octets', raw('application/octet-stream', jpeg)],
    ['chunked', raw('image/jpeg', jpeg, { 'Transfer-Encoding': 'chunked' })],
    ['base64', json({ image: base64 })],
    ['data URL', json({ image: `data:image/png;base64,${base64}` })],
    ['data URL with a name', json({ image: `DATA:image/png;name=a.png;base64,${base64}` })],
    ['base64 in lines', json({ image: base64.replace(/.{76}/g, '$&\r\n') })],
    ...['ko-KR,ko;q=0.9,en;q=0.8', 'ko', 'en-GB,ko;q=0.5', 'fr', '*'].map(
      (language) => [`in ${language}`, raw('image/png', png, { 'Accept-Language': language })] as const,
    ),
    ['head of browsers', form(jpeg, `${PLAIN}\r\nContent-Type: image/jpeg`)],
    [
      'head of .NET',
      form(
        jpeg,
        `Content-Type: image/jpeg\r\nContent-Disposition: form-data; name=file; filename=a.jpg; filename*=utf-8''a.jpg`,
      ),
    ],
    ['head of older Python requests', form(jpeg, `${TEXT}; filename*=utf-8''%EA%BD%83.jpg`)],
    ['head with a quote', form(jpeg, `${TEXT}; filename="a\\"b.jpg"`)],
    ['head with the name first', form(jpeg, 'content-disposition:form-data;filename="a.jpg";name="file"')],
    ['head without a name', form(jpeg, `${TEXT}; filename=""`)],
    [
      'among other fields',
      raw(
        FORM,
        Buffer.concat([
          bytes('hello\r\n'),
          parts(part(OTHER, bytes('x')), part(TEXT, bytes('x')), part(PLAIN, jpeg)),
          bytes('bye'),
        ]),
      ),
    ],
    ['two files', raw(FORM, parts(part(PLAIN, jpeg), part(PLAIN, bytes('x'))))],
    [
      '99 fields and a file',
      raw(FORM, parts(...Array.from({ length: 99 }, () => part(TEXT, bytes('x'))), part(PLAIN, jpeg))),
    ],
    [
      'boundary in quotes',
      raw('Multipart/Form-Data; charset=utf-8; Boundary="b"; x=y', parts(part(PLAIN, jpeg))),
    ],
  ]);

  const refused = named([
    ['no file in the form', form(jpeg, OTHER)],
    ['file field that is text', form(jpeg, TEXT)],
    ['URL-encoded form', raw('application/x-www-form-urlencoded', 'file=x')],
    ['no Content-Type', raw('', jpeg)],
    ['text/plain', raw('text/plain', jpeg)],
    ['compressed', raw('image/jpeg', gzipSync(jpeg), { 'Content-Encoding': 'gzip' })],
    ['empty raw body', raw('image/png', '')],
    ['no JSON', raw('application/json', '{')],
    ['JSON without an image', json({ photo: '' })],
    ['JSON null', json(null)],
    ['image that is no text', json({ image: 7 })],
    ['image that is no base64', json({ image: 'a*b' })],
    ['empty image', json({ image: '' })],
    ['form without a boundary', raw('multipart/form-data', 'x')],
    ['101 parts', raw(FORM, parts(...Array.from({ length: 101 }, () => part(TEXT, bytes('x')))))],
    ['form of nothing', raw(FORM, parts())],
    ...Object.entries({
      'before its beginning': '',
      'in its boundary': '--b',
      'in the head': `--b\r\n${PLAIN}`,
      'after another file': part(OTHER, jpeg),
      'after the file': part(PLAIN, jpeg),
      'in the file': part(PLAIN, jpeg).subarray(0, -20),
      'in another file': part(OTHER, jpeg).subarray(0, -20),
    }).map(([where, body]) => [`form that ends ${where}`, raw(FORM, body)] as const),
    ['30 MB', announced(CLASSIFY, 30e6)],
    [
      'too large, chunked',
      raw('image/jpeg', Buffer.alloc(MAX_BODY_BYTES + 1), { 'Transfer-Encoding': 'chunked' }),
    ],
  ]);

  const files: Record<string, Uint8Array> = {
    text: bytes('I am not a photo.'),
    nothing: Buffer.alloc(0),
    SVG: bytes('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
    PDF: bytes('%PDF-1.7\n'),
    'two bytes': Uint8Array.of(0xff, 0xd8),
    'RIFF without WebP': bytes('RIFF\0\0\0\0WAVEfmt '),
    HEIC: bytes('\0\0\0\x18ftypheic\0\0\0\0mif1heic'),
    video: bytes('\0\0\0\x18ftypisom\0\0\x02\0isomiso2mp41'),
    GIF: await solid.clone().gif().toBuffer(),
    TIFF: await solid.clone().tiff().toBuffer(),
    AVIF: await solid.clone().avif().toBuffer(),
    'animated WebP': await sharp(frames, { join: { animated: true } })
      .webp()
      .toBuffer(),
    'PNG of 300 x 300 without pixels': hollow('ASwAAAEsCAIAAAD2HxkiA'),
    'PNG of 20,000 x 20,000': hollow('TiAAAE4gCAIAAABsEtFuA'),
    '1 x 1': await plain(1, 1).png().toBuffer(),
    '400 x 15': await plain(400, 15).removeAlpha().jpeg().toBuffer(),
    '16 x 16': await plain(16, 16).png().toBuffer(),
    '672 x 224': await picture.clone().resize(672, 224, { fit: 'fill' }).png().toBuffer(),
    '224 x 672': await picture.clone().resize(224, 672, { fit: 'fill' }).png().toBuffer(),
    'half transparent PNG': await plain(64, 48, 0.5).png().toBuffer(),
    'transparent WebP': await plain(64, 48, 0).webp({ lossless: true }).toBuffer(),
    grey: await picture.clone().toColourspace('b-w').jpeg().toBuffer(),
    '16 bits': await picture.clone().toColourspace('rgb16').png().toBuffer(),
    palette: await picture.clone().png({ palette: true }).toBuffer(),
    CMYK: await picture.clone().toColourspace('cmyk').jpeg().toBuffer(),
    'Display P3': await picture.clone().withIccProfile('p3').jpeg().toBuffer(),
    'lossless WebP': await picture.clone().webp({ lossless: true }).toBuffer(),
    '15 MiB': Buffer.concat([jpeg, Buffer.alloc(15 * 2 ** 20 - jpeg.length)]),
    '15 MiB and a byte': Buffer.concat([jpeg, Buffer.alloc(15 * 2 ** 20 + 1 - jpeg.length)]),
  };
  for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8])
    files[`EXIF orientation ${orientation}`] = await picture
      .clone()
      .withMetadata({ orientation })
      .jpeg()
      .toBuffer();
  const random = seeded(11);
  for (const [format, file] of Object.entries({
    JPEG: jpeg,
    'progressive JPEG': progressive,
    PNG: png,
    WebP: webp,
  })) {
    for (const share of [0.01, 0.3, 0.6, 0.97])
      files[`${format} cut at ${share}`] = file.subarray(0, Math.max(16, file.length * share));
    for (const attempt of [1, 2, 3]) {
      const damaged = Uint8Array.from(file);
      for (let flip = 0; flip < 8; flip++)
        damaged[20 + Math.floor(random() * (file.length - 20))] = random() * 256;
      files[`${format} with wrong bytes ${attempt}`] = damaged;
    }
  }
  return { ...sent, ...refused, ...forms(files) };
};

const get = (...paths: readonly string[]): Requests => named(paths.map((path) => [`GET ${path}`, { path }]));
const others = (...paths: readonly string[]): Requests =>
  named(
    paths.flatMap((path) =>
      ['POST', 'PUT', 'HEAD', 'OPTIONS'].map((method) => [`${method} ${path}`, { path, method }] as const),
    ),
  );

export const WEB: Requests = {
  ...get('/', '/was/check', '/health', '/version', '/was/health', CLASSIFY, '/no', '/assets/no.js'),
  ...get('/was/health/http%3A%2F%2F127.0.0.1', '/was/health/example.org', '/assets/../app.ts', '/assets/'),
  ...others('/', '/health'),
  'PUT of a photo': { method: 'PUT', path: CLASSIFY },
  'page for whom has another': { path: '/', headers: { 'If-None-Match': '"other"' } },
};

export const WAS: Requests = {
  ...get('/', '/health', '/nowhere', CLASSIFY),
  ...others('/', '/health'),
  'PUT of a photo': { method: 'PUT', path: CLASSIFY },
};

/** What is no request. */
export const UNREADABLE: Readonly<Record<string, string>> = {
  'no HTTP': 'hello\r\n\r\n',
  'a wrong method': 'FOO / HTTP/1.1\r\nHost: x\r\n\r\n',
  'no Host': 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n',
  'a Host that is none': 'GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n',
  'headers without end': `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`,
  'two lengths': 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
};

const PHOTO_BYTES = 224 * 224 * 3;
const NAME = 'image-classifier';
const RUNTIME = `/endpoints/${NAME}/invocations`;
const PREDICT = `/v1/models/${NAME}:predict`;
const TOO_LARGE = 'x'.repeat(6 * 2 ** 20 + 1);

/** @param version that the stand-in serves */
export const endpointRequests = (version: string): Requests => {
  const photo = (value: number) => ({ b64: Buffer.alloc(PHOTO_BYTES, value).toString('base64') });
  const line = JSON.stringify(photo(50));
  const body = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  const doors = [RUNTIME, '/invocations', PREDICT, `/v1/models/${NAME}/versions/${version}:predict`];
  const right: Readonly<Record<string, unknown>> = {
    'two rows': { instances: [photo(0), photo(200)] },
    'a row by its name': { instances: [{ photo: photo(200) }] },
    'a column': { inputs: [photo(90)] },
    'a column by its name': { inputs: { photo: [photo(90)] } },
    'a signature by its name': { signature_name: 'serving_default', instances: [photo(1)] },
  };
  const wrong: Readonly<Record<string, unknown>> = {
    'no JSON': 'not json',
    'an empty body': '',
    'lists without end': `${'['.repeat(1e5)}${']'.repeat(1e5)}`,
    'an input without end': `{"instances":[${'{"a":'.repeat(1e5)}1${'}'.repeat(1e5)}]}`,
    'empty photos': { instances: ['', ''] },
    'no object': '[1]',
    'neither key': { photos: [] },
    'both keys': { inputs: [], instances: [] },
    'instances that are no list': { instances: 'x' },
    'no instances': { instances: [] },
    'no inputs': { inputs: [] },
    'a number': { instances: [3] },
    null: { instances: [null] },
    'bad base64': { instances: [{ b64: '*' }] },
    'b64 of the wrong kind': { inputs: [{ b64: 1 }] },
    'an unknown input': { instances: [{ image: photo(0) }] },
    'a missing input': { inputs: { image: [photo(0)] } },
    'a short photo': { instances: [{ b64: 'AAAA' }] },
    'photos of two lengths': { instances: [photo(0), { b64: 'AAAA' }] },
    'lists of two lengths': { inputs: [['', ''], ['']] },
    'another signature': { signature_name: 'other', instances: [photo(0)] },
    'a signature that is no name': { signature_name: 1, instances: [photo(0)] },
  };
  const toAll = (values: typeof right) =>
    named(
      doors.flatMap((door) =>
        Object.entries(values).map(
          ([name, value]) => [`${door}: ${name}`, post(door, 'application/json', body(value))] as const,
        ),
      ),
    );
  const types = ['image/jpeg', 'text/plain', 'application/jsonlines', 'application/json', 'text/csv', ''];
  return {
    ...toAll(right),
    ...toAll(wrong),
    ...named(
      ['/invocations', RUNTIME].flatMap((door) => [
        ...types.map((type) => [`${door}: ${type || 'no type'}`, post(door, type, '{}')] as const),
        [`${door}: lines`, post(door, 'application/jsonlines', `${line}\n${line}\n`)] as const,
        [`${door}: a bare photo`, post(door, 'application/json', line)] as const,
        [`${door}: CSV`, post(door, 'text/csv', '1,2\n3,4\n')] as const,
        ...['other', NAME].map(
          (name) =>
            [
              `${door}: attributes for ${name}`,
              post(door, 'application/json', body(right['a column']), {
                'X-Amzn-SageMaker-Custom-Attributes': `tfs-model-name=${name}`,
              }),
            ] as const,
        ),
      ]),
    ),
    ...named(
      doors.flatMap((door) => [
        [`${door}: over 6 MB`, announced(door, TOO_LARGE.length)] as const,
        [
          `${door}: over 6 MB, chunked`,
          post(door, 'application/json', TOO_LARGE, { 'Transfer-Encoding': 'chunked' }),
        ] as const,
      ]),
    ),
    ...named(
      [
        '/v1/models/other:predict',
        `/v1/models/${NAME}/versions/8:predict`,
        `/v1/models/${NAME}:dance`,
        '/endpoints/other/invocations',
        '/nowhere',
      ].map((path) => [`POST ${path}`, post(path, 'application/json', body(right['a column']))]),
    ),
    ...get('/ping', '/invocations', '/nowhere', '/v1/models/other', `/v1/models/${NAME}`, PREDICT),
    ...get(`/v1/models/${NAME}/metadata`, `/v1/models/${NAME}/versions/${version}`),
    ...get(`/v1/models/${NAME}/versions/${version}/metadata`, `/v1/models/${NAME}/versions/8/metadata`),
  };
};
