import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { PHOTO_BYTES, PHOTO_SIDE } from '../contract/tensors.ts';
import {
  assertClose,
  assertSameBytes,
  type Colour,
  gradient,
  meanDifference,
  type Picture,
  picture,
} from '../testing.ts';
import { readPhoto } from './read-photo.ts';
import { encoder, plain } from './testing.ts';

const pixelAt = (pixels: Uint8Array, x: number, y: number): number[] => {
  const start = (y * PHOTO_SIDE + x) * 3;
  return [...pixels.subarray(start, start + 3)];
};

const centre = (pixels: Uint8Array) => pixelAt(pixels, PHOTO_SIDE / 2, PHOTO_SIDE / 2);

/** The visual side on which a stored picture's first row and first column lie (EXIF 2.3, tag 0x0112). */
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

test('a photo becomes 224 x 224 pixels of three bytes', async () => {
  const pixels = await readPhoto(await encoder(gradient(300, 260)).jpeg().toBuffer());
  assert.ok(pixels instanceof Uint8Array);
  assert.equal(pixels.length, PHOTO_BYTES);
  assert.equal(pixels.length, 150_528);
});

test('JPEG, PNG and WebP of the same large picture give nearly the same pixels', async () => {
  const source = gradient(960, 720);
  const expected = await readPhoto(await encoder(source).png().toBuffer());
  const files = [
    encoder(source).jpeg({ quality: 95 }),
    encoder(source).jpeg({ quality: 95, progressive: true }),
    encoder(source).webp({ quality: 95 }),
  ];
  for (const file of files) {
    const actual = await readPhoto(await file.toBuffer());
    assert.ok(meanDifference(actual, expected) < 2);
  }
});

test('lossless files of the same picture give the same bytes', async () => {
  const source = gradient(330, 250);
  const expected = await readPhoto(await encoder(source).png().toBuffer());
  assertSameBytes(await readPhoto(await encoder(source).png({ compressionLevel: 0 }).toBuffer()), expected);
  // libwebp resizes while it decodes, which rounds differently.
  assertClose(await readPhoto(await encoder(source).webp({ lossless: true }).toBuffer()), expected, 1);
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
] as const) {
  test(`of a ${width} x ${height} picture the centred square remains`, async () => {
    const [red, green, blue]: Colour[] = [
      [250, 0, 0],
      [0, 250, 0],
      [0, 0, 250],
    ];
    const bands = picture(width, height, (x, y) => {
      const along = width > height ? x : y;
      return (along < PHOTO_SIDE ? red : along < 2 * PHOTO_SIDE ? green : blue) ?? [0, 0, 0];
    });
    const pixels = await readPhoto(await encoder(bands).png().toBuffer());
    assertSameBytes(pixels, picture(PHOTO_SIDE, PHOTO_SIDE, () => [0, 250, 0]).data);
  });
}

test('a square is neither cropped nor distorted', async () => {
  const source = gradient(PHOTO_SIDE, PHOTO_SIDE);
  assertSameBytes(await readPhoto(await encoder(source).png().toBuffer()), source.data);
});

test('a picture smaller than the model reads is enlarged', async () => {
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

test('grey pictures become three equal channels', async () => {
  const grey = plain([100, 100, 100]).toColourspace('b-w');
  for (const file of [grey.clone().jpeg(), grey.clone().png()]) {
    assertClose(centre(await readPhoto(await file.toBuffer())), [100, 100, 100], 1);
  }
});

test('grey with transparency is laid on white', async () => {
  const data = new Uint8Array(64 * 48 * 2).map((_, index) => (index % 2 === 0 ? 0 : 128));
  const file = sharp(data, { raw: { width: 64, height: 48, channels: 2 } })
    .toColourspace('b-w')
    .png();
  assertClose(centre(await readPhoto(await file.toBuffer())), [127, 127, 127], 1);
});

test('16-bit PNG keeps its brightness', async () => {
  const colour = [51_400, 25_700, 10_280];
  const data = new Uint16Array(64 * 48 * 3).map((_, index) => colour[index % 3] ?? 0);
  const file = await sharp(data, { raw: { width: 64, height: 48, channels: 3 } })
    .toColourspace('rgb16')
    .png()
    .toBuffer();
  assert.equal((await sharp(file).metadata()).bitsPerSample, 16);
  assertClose(centre(await readPhoto(file)), [200, 100, 40], 1);
});

test('PNG with a palette keeps its colours', async () => {
  const file = await plain([10, 200, 30]).png({ palette: true }).toBuffer();
  assert.equal((await sharp(file).metadata()).isPalette, true);
  assertClose(centre(await readPhoto(file)), [10, 200, 30], 1);
});

test('CMYK JPEG becomes sRGB', async () => {
  const file = await plain([180, 120, 90]).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
  assert.equal((await sharp(file).metadata()).space, 'cmyk');
  assertClose(centre(await readPhoto(file)), [180, 120, 90], 12);
});

test('the colours of a Display P3 JPEG, as iPhones write, are converted to sRGB', async () => {
  const file = await plain([200, 80, 60])
    .withIccProfile('p3')
    .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
    .toBuffer();
  const raw = await sharp(file, { ignoreIcc: true }).raw().toBuffer();
  assert.ok(Math.abs((raw[0] ?? 0) - 200) > 8, 'the file itself must hold other numbers');
  assertClose(centre(await readPhoto(file)), [200, 80, 60], 3);
});
