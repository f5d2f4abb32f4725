import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import { gradient } from '../shared/test-pictures.ts';
import { PhotoError, type PhotoErrorCode } from './format.ts';
import { checkPhoto, isCheap, readPhoto } from './read-photo.ts';
import { encoder, flatWebp, hollowPng, manyScans, plain } from './test-photos.ts';

const size = (file: Uint8Array) => {
  const { width, height, frames } = checkPhoto(file);
  return [width, height, frames];
};

describe('the size is what the decoder reports', () => {
  const source = () => encoder(gradient(210, 130));
  const withAlpha = () => source().ensureAlpha(0.5);
  const files: Record<string, Sharp> = {
    'a JPEG': source().jpeg(),
    'a progressive JPEG': source().jpeg({ progressive: true }),
    'a grey JPEG with metadata': source().greyscale().withMetadata({ orientation: 6 }).jpeg(),
    'a CMYK JPEG': source().toColourspace('cmyk').jpeg(),
    'a PNG': source().png(),
    'an interlaced PNG with a palette': source().png({ progressive: true, palette: true }),
    'a PNG with transparency and a profile': withAlpha().withIccProfile('p3').png(),
    'a WebP': source().webp(),
    'a lossless WebP': source().webp({ lossless: true }),
    'a WebP with transparency and a profile': withAlpha().withIccProfile('p3').webp(),
  };
  for (const [name, file] of Object.entries(files)) {
    test(name, async () => {
      const bytes = await file.toBuffer();
      assert.deepEqual(size(bytes), [210, 130, 1]);
      assert.ok(isCheap(checkPhoto(bytes)));
    });
  }
});

const frameCount = (frames: number) => Buffer.from([0, 0, 0, frames, 0, 0, 0, 0]);
const codeOf = (file: Uint8Array): PhotoErrorCode | 'accepted' => {
  try {
    checkPhoto(file);
    return 'accepted';
  } catch (error) {
    if (error instanceof PhotoError) return error.code;
    throw error;
  }
};

const DEEP = { depth: 16, colourType: 6 } as const;
const chunks = (count: number, type: string, bytes: number) =>
  Array.from({ length: count }, () => [type, Buffer.alloc(bytes)] as const);

const CASES: [name: string, file: Buffer, code: PhotoErrorCode | 'accepted'][] = [
  ['48 megapixels in 60 scans', manyScans({ scans: 60, side: 6900, scanBytes: 2000 }), 'accepted'],
  ['15,000 scans', manyScans({ scans: 15_000, side: 5000 }), 'too-costly'],
  ['150,000 scans of a small picture', manyScans({ scans: 150_000, side: 1000 }), 'too-costly'],
  ['49 megapixels of 16 bits', hollowPng(7000, 7000, DEEP), 'too-costly'],
  ['12 interlaced megapixels', hollowPng(4000, 3000, { ...DEEP, interlaced: true }), 'too-costly'],
  ['15 megapixels of lossless WebP in 34 bytes', flatWebp(16_383, 900), 'too-costly'],
  ['a small flat WebP', flatWebp(64, 64), 'accepted'],
  ['a million empty chunks', hollowPng(64, 64, { chunks: chunks(300_000, 'teXt', 0) }), 'too-costly'],
  ['14,000 texts', hollowPng(640, 640, { chunks: chunks(14_000, 'zTXt', 10) }), 'accepted'],
  ['an animated PNG', hollowPng(64, 64, { chunks: [['acTL', frameCount(12)]] }), 'unsupported-format'],
  ['a PNG of one frame', hollowPng(64, 64, { chunks: [['acTL', frameCount(1)]] }), 'accepted'],
  ['a PNG without an end', hollowPng(64, 64).subarray(0, 20), 'unreadable'],
  ['a JPEG without a frame', Buffer.from([0xff, 0xd8, 0xff, 0xd9, 0, 0, 0, 0]), 'unreadable'],
  ['a WebP without a picture', Buffer.from('RIFF\x04\0\0\0WEBP', 'latin1'), 'unreadable'],
];
for (const [name, file, code] of CASES)
  test(`by its header, ${name} is ${code}`, () => assert.equal(codeOf(file), code));

test('an animated WebP is refused', async () => {
  const frames = await Promise.all([10, 120].map((red) => plain([red, 0, 0]).png().toBuffer()));
  const webp = sharp(frames, { join: { animated: true } }).webp();
  assert.equal(codeOf(await webp.toBuffer()), 'unsupported-format');
});

test('only the scans of a file count, not what is appended to it', async () => {
  const photo = await plain([1, 2, 3]).jpeg().toBuffer();
  const appended = Buffer.concat([photo, manyScans({ scans: 15_000, side: 5000 })]);
  assert.deepEqual(size(appended), size(photo));
  assert.equal((await readPhoto(appended)).length, 150_528);
});
