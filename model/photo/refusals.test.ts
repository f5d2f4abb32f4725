import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { PHOTO_BYTES } from '../contract/tensors.ts';
import { seededRandom } from '../random.ts';
import { assertSameBytes, gradient, type Picture, picture } from '../testing.ts';
import { PhotoError, type PhotoErrorCode } from './errors.ts';
import { MAX_PHOTO_BYTES } from './limits.ts';
import { readPhoto } from './read-photo.ts';
import { encoder, hollowPng, plain } from './testing.ts';

const text = (content: string) => new TextEncoder().encode(content);

/** @returns the refusal of the photo, whose message must end with advice */
const refusal = async (file: Uint8Array): Promise<PhotoError> => {
  const error = await readPhoto(file).then(
    () => assert.fail('the photo was accepted'),
    (error: unknown) => error,
  );
  assert.ok(error instanceof PhotoError, `not a PhotoError: ${error}`);
  assert.match(error.message, /(Send [^.]+|and resend)\.$/, 'the message ends with what to do');
  return error;
};

const refuses = async (file: Uint8Array, code: PhotoErrorCode, message = /./): Promise<void> => {
  const error = await refusal(file);
  assert.equal(error.code, code);
  assert.match(error.message, message);
};

/** Too rough to be compressed well: a cut takes a part of the picture away. */
const rough = (width: number, height: number): Picture => {
  const random = seededRandom(5);
  return picture(width, height, () => [random() * 256, random() * 256, random() * 256]);
};

test('no bytes are refused as empty', () => refuses(new Uint8Array(), 'empty', /0 bytes/));

const FOREIGN = {
  text: text('not a photo, only called flower.jpg'),
  'an SVG': text('<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>'),
  'a PDF': text('%PDF-1.7\n'),
  'two bytes': Uint8Array.of(0xff, 0xd8),
  'a RIFF file that is no WebP': text('RIFF\0\0\0\0WAVEfmt '),
  'a GIF': await plain([1, 2, 3]).gif().toBuffer(),
  'a TIFF': await plain([1, 2, 3]).tiff().toBuffer(),
};

for (const [name, file] of Object.entries(FOREIGN)) {
  test(`${name} is refused as an unsupported format`, () =>
    refuses(file, 'unsupported-format', /JPEG, PNG or WebP/));
}

test('AVIF is refused by its name', async () => {
  await refuses(await plain([1, 2, 3]).avif().toBuffer(), 'unsupported-format', /AVIF/);
});

test('HEIC is refused with the setting that avoids it', async () => {
  const head = text('\0\0\0\x18ftypheic\0\0\0\0mif1heic');
  await refuses(head, 'unsupported-format', /HEIC.*Most Compatible/);
});

test('a video in the same container is not taken for a photo from a phone', async () => {
  const { code, message } = await refusal(text('\0\0\0\x18ftypisom\0\0\x02\0isomiso2mp41'));
  assert.equal(code, 'unsupported-format');
  assert.doesNotMatch(message, /HEIC|AVIF/);
});

test('an animated WebP is refused with the number of its frames', async () => {
  const frames = await Promise.all([10, 120, 230].map((red) => plain([red, 0, 0]).png().toBuffer()));
  const file = await sharp(frames, { join: { animated: true } })
    .webp()
    .toBuffer();
  await refuses(file, 'unsupported-format', /3 frames/);
});

test('a 20,000 x 20,000 PNG of a few hundred bytes is refused by its header', async () => {
  const file = hollowPng(20_000, 20_000);
  assert.ok(file.length < 500);
  await refuses(file, 'too-many-pixels', /20000 x 20000/);
});

test('pictures whose pixels are missing are refused as unreadable', () =>
  refuses(hollowPng(300, 300), 'unreadable'));

test('a picture without room for a flower is refused with its size', async () => {
  await refuses(await plain([1, 2, 3], 1, 1).png().toBuffer(), 'too-few-pixels', /1 x 1/);
  await refuses(await plain([1, 2, 3], 400, 15).jpeg().toBuffer(), 'too-few-pixels', /400 x 15/);
});

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

for (const [format, file] of Object.entries(ENCODED)) {
  test(`a ${format} cut short anywhere is refused as unreadable`, async () => {
    assert.equal((await readPhoto(file)).length, PHOTO_BYTES);
    for (const share of [0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97]) {
      await refuses(
        file.subarray(0, Math.max(16, file.length * share)),
        'unreadable',
        /damaged or cut short/,
      );
    }
  });

  test(`a ${format} with wrong bytes is read or refused, nothing else`, async () => {
    const random = seededRandom(11);
    for (let attempt = 0; attempt < 25; attempt++) {
      const damaged = Uint8Array.from(file);
      for (let flip = 0; flip < 8; flip++) {
        damaged[20 + Math.floor(random() * (file.length - 20))] = random() * 256;
      }
      const result = await readPhoto(damaged).catch((error: unknown) => error);
      if (result instanceof Uint8Array) assert.equal(result.length, PHOTO_BYTES);
      else assert.ok(result instanceof PhotoError, String(result));
    }
  });
}

test('what a cut takes below the crop never changes the pixels', async () => {
  for (const encoded of [encoder(rough(100, 300)).jpeg(), encoder(rough(100, 300)).png()]) {
    const file = await encoded.toBuffer();
    const whole = await readPhoto(file);
    for (const share of [0.5, 0.6, 0.7, 0.8, 0.95]) {
      const result = await readPhoto(file.subarray(0, file.length * share)).catch((error: unknown) => error);
      if (result instanceof Uint8Array) assertSameBytes(result, whole);
      else assert.ok(result instanceof PhotoError, String(result));
    }
  }
});

test("the decoder's own error is kept as the cause", async () => {
  const error = await refusal(ENCODED.JPEG.subarray(0, 400));
  assert.ok(error.cause instanceof Error);
});
