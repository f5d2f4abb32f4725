import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp, { type Metadata as FullMetadata, type Sharp } from 'sharp';
import { PHOTO_BYTES, PHOTO_SIDE } from '../contract/tensors.ts';
import { seededRandom } from '../shared/random.ts';
import {
  assertClose,
  assertSameBytes,
  gradient,
  meanDifference,
  type Picture,
  picture,
} from '../shared/test-pictures.ts';
import { MAX_PHOTO_BYTES, PhotoError, type PhotoErrorCode } from './format.ts';
import { readPhoto } from './read-photo.ts';
import { encoder, hollowPng, plain } from './test-photos.ts';

type Metadata = Partial<FullMetadata>;

const centre = (pixels: Uint8Array): number[] => {
  const start = (PHOTO_SIDE / 2) * (PHOTO_SIDE + 1) * 3;
  return [...pixels.subarray(start, start + 3)];
};

/** The visual sides of a stored picture's first row and first column (EXIF 2.3, tag 0x0112). */
const ORIENTATIONS = {
  1: ['top', 'left'],
  2: ['top', 'right'],
  3: ['bottom', 'right'],
  4: ['bottom', 'left'],
  5: ['left', 'top'],
  6: ['right', 'top'],
  7: ['right', 'bottom'],
  8: ['left', 'bottom'],
} as const;

/** What a camera held so would store of the upright picture. */
const stored = ({ width, height, data }: Picture, sides: readonly string[]): Picture => {
  const turned = sides[0] === 'left' || sides[0] === 'right';
  return picture(turned ? height : width, turned ? width : height, (column, row) => {
    const [across, down] = turned ? [row, column] : [column, row];
    const x = sides.includes('right') ? width - 1 - across : across;
    const y = sides.includes('bottom') ? height - 1 - down : down;
    const start = (y * width + x) * 3;
    const [red = 0, green = 0, blue = 0] = data.subarray(start, start + 3);
    return [red, green, blue];
  });
};

test('files of the same large picture give nearly the same pixels, whatever their format', async () => {
  const source = gradient(960, 720);
  const expected = await readPhoto(await encoder(source).png().toBuffer());
  assert.equal(expected.length, PHOTO_BYTES);
  const read = async (file: Sharp) => readPhoto(await file.toBuffer());
  assertSameBytes(await read(encoder(source).png({ compressionLevel: 0 })), expected);
  for (const file of [
    encoder(source).jpeg({ quality: 95 }),
    encoder(source).jpeg({ quality: 95, progressive: true }),
    encoder(source).webp({ quality: 95 }),
    encoder(source).webp({ lossless: true }),
  ])
    assert.ok(meanDifference(await read(file), expected) < 2);
});

for (const [orientation, sides] of Object.entries(ORIENTATIONS)) {
  test(`EXIF orientation ${orientation} is applied before the crop`, async () => {
    const upright = gradient(320, 240);
    const turned = encoder(stored(upright, sides)).withMetadata({ orientation: Number(orientation) });
    const expected = await readPhoto(await encoder(upright).png().toBuffer());
    // Turned photos are resized in the other order of sides, which rounds differently.
    assertClose(await readPhoto(await turned.clone().webp({ lossless: true }).toBuffer()), expected, 1);
    assertClose(await readPhoto(await turned.clone().png().toBuffer()), expected, 1);
    const jpeg = await turned.clone().jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer();
    assert.ok(meanDifference(await readPhoto(jpeg), expected) < 2);
  });
}

for (const [width, height] of [
  [672, 224],
  [224, 672],
] as const)
  test(`of a ${width} x ${height} picture the centred square remains`, async () => {
    const band = (x: number, y: number) => Math.floor(Math.max(x, y) / PHOTO_SIDE);
    const bands = picture(width, height, (x, y) => [100 * band(x, y), 250, 0]);
    const pixels = await readPhoto(await encoder(bands).png().toBuffer());
    assertSameBytes(pixels, picture(PHOTO_SIDE, PHOTO_SIDE, () => [100, 250, 0]).data);
  });

test('a square is neither cropped nor distorted, and a smaller picture is enlarged', async () => {
  const source = gradient(PHOTO_SIDE, PHOTO_SIDE);
  assertSameBytes(await readPhoto(await encoder(source).png().toBuffer()), source.data);
  const pixels = await readPhoto(await plain([10, 200, 30], 16, 16).png().toBuffer());
  assertSameBytes(pixels, picture(PHOTO_SIDE, PHOTO_SIDE, () => [10, 200, 30]).data);
});

for (const format of ['png', 'webp'] as const) {
  test(`transparency in a ${format} file is laid on white`, async () => {
    const layer = (alpha: number) =>
      sharp({ create: { width: 64, height: 48, channels: 4, background: { r: 200, g: 0, b: 0, alpha } } })
        .toFormat(format, { lossless: true })
        .toBuffer();
    assertClose(centre(await readPhoto(await layer(0))), [255, 255, 255], 0);
    assertClose(centre(await readPhoto(await layer(0.5))), [227, 127, 127], 2);
    assertClose(centre(await readPhoto(await layer(1))), [200, 0, 0], 0);
  });
}

const raw = (data: Uint8Array | Uint16Array, channels: 2 | 3) =>
  sharp(data, { raw: { width: 64, height: 48, channels } });
const greyWithAlpha = new Uint8Array(64 * 48 * 2).map((_, index) => (index % 2 === 0 ? 0 : 128));
const deep = new Uint16Array(64 * 48 * 3).map((_, index) => [51_400, 25_700, 10_280][index % 3] ?? 0);
const grey = plain([100, 100, 100]).toColourspace('b-w');
const p3 = plain([200, 80, 60]).withIccProfile('p3').jpeg({ quality: 100, chromaSubsampling: '4:4:4' });

/** Each with what the file itself is, so that the case stays what it is. */
const COLOURS: [name: string, file: Sharp, is: Metadata, expected: number[], tolerance: number][] = [
  ['a grey JPEG', grey.jpeg(), { channels: 1 }, [100, 100, 100], 1],
  [
    'a grey PNG with transparency, laid on white',
    raw(greyWithAlpha, 2).toColourspace('b-w').png(),
    { channels: 2 },
    [127, 127, 127],
    1,
  ],
  ['a 16-bit PNG', raw(deep, 3).toColourspace('rgb16').png(), { bitsPerSample: 16 }, [200, 100, 40], 1],
  [
    'a PNG with a palette',
    plain([10, 200, 30]).png({ palette: true }),
    { isPalette: true },
    [10, 200, 30],
    1,
  ],
  [
    'a CMYK JPEG',
    plain([180, 120, 90]).toColourspace('cmyk').jpeg({ quality: 100 }),
    { space: 'cmyk' },
    [180, 120, 90],
    12,
  ],
  ['a Display P3 JPEG, as iPhones write', p3, { hasProfile: true }, [200, 80, 60], 3],
];
for (const [name, encoded, is, expected, tolerance] of COLOURS)
  test(`the colours of ${name} become sRGB`, async () => {
    const file = await encoded.toBuffer();
    const metadata = await sharp(file).metadata();
    assert.deepEqual({ ...metadata, ...is }, metadata);
    assertClose(centre(await readPhoto(file)), expected, tolerance);
  });

const text = (content: string) => new TextEncoder().encode(content);

/** The refusal's message must end with what to do. */
const refuses = (file: Uint8Array, code: PhotoErrorCode, message = /./): Promise<void> =>
  assert.rejects(readPhoto(file), (error) => {
    assert.ok(error instanceof PhotoError, `not a PhotoError: ${error}`);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.match(error.message, /(Send [^.]+|and resend)\.$/);
    return true;
  });

/** Too rough to be compressed well: a cut takes a part of the picture away. */
const rough = (width: number, height: number): Picture => {
  const random = seededRandom(5);
  return picture(width, height, () => [random() * 256, random() * 256, random() * 256]);
};

const REFUSED: [name: string, file: Uint8Array, code: PhotoErrorCode, message: RegExp][] = [
  ['no bytes', new Uint8Array(), 'empty', /0 bytes/],
  ...Object.entries({
    text: text('not a photo, only called flower.jpg'),
    'an SVG': text('<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>'),
    'a PDF': text('%PDF-1.7\n'),
    'two bytes': Uint8Array.of(0xff, 0xd8),
    'a RIFF file that is not WebP': text('RIFF\0\0\0\0WAVEfmt '),
    'a TIFF': await plain([1, 2, 3]).tiff().toBuffer(),
  }).map(([name, file]): (typeof REFUSED)[0] => [name, file, 'unsupported-format', /JPEG, PNG or WebP/]),
  ['a video', text('\0\0\0\x18ftypisom\0\0\x02\0isomiso2mp41'), 'unsupported-format', /^(?!.*HEIC|AVIF)/],
  ['a GIF, by its name', await plain([1, 2, 3]).gif().toBuffer(), 'unsupported-format', /GIF/],
  ['an AVIF, by its name', await plain([1, 2, 3]).avif().toBuffer(), 'unsupported-format', /AVIF/],
  [
    'a HEIC, with the setting that avoids it',
    text('\0\0\0\x18ftypheic\0\0\0\0mif1heic'),
    'unsupported-format',
    /HEIC.*Most Compatible/,
  ],
  ['20,000 x 20,000 pixels', hollowPng(20_000, 20_000), 'too-many-pixels', /20000 x 20000/],
  ['a picture whose pixels are missing', hollowPng(300, 300), 'unreadable', /damaged/],
  ['a pixel', await plain([1, 2, 3], 1, 1).png().toBuffer(), 'too-few-pixels', /1 x 1/],
  ['a stripe', await plain([1, 2, 3], 400, 15).jpeg().toBuffer(), 'too-few-pixels', /400 x 15/],
];
for (const [name, file, code, message] of REFUSED)
  test(`${name}: refused as ${code}`, () => refuses(file, code, message));

test('the largest file is accepted, one byte more is not', async () => {
  const file = new Uint8Array(MAX_PHOTO_BYTES + 1);
  file.set(await encoder(gradient(64, 64)).jpeg().toBuffer());
  assert.equal((await readPhoto(file.subarray(0, MAX_PHOTO_BYTES))).length, PHOTO_BYTES);
  await refuses(file, 'too-large', /at most 15 MiB/);
});

const ENCODED = {
  JPEG: await encoder(rough(120, 90)).jpeg().toBuffer(),
  'progressive JPEG': await encoder(rough(120, 90)).jpeg({ progressive: true }).toBuffer(),
  PNG: await encoder(rough(120, 90)).png().toBuffer(),
  WebP: await encoder(rough(120, 90)).webp().toBuffer(),
};

for (const [format, file] of Object.entries(ENCODED))
  test(`a ${format} cut short anywhere is refused as unreadable`, async () => {
    assert.equal((await readPhoto(file)).length, PHOTO_BYTES);
    for (const share of [0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97])
      await refuses(
        file.subarray(0, Math.max(16, file.length * share)),
        'unreadable',
        /damaged or truncated/,
      );
  });
