import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import sharp from 'sharp';
import { readPhoto } from '../../model/photo/read-photo.ts';
import { Decoder } from './decoder.ts';

const LIMIT = { timeout: 120_000 };
/** Other tests may keep the machine busy. */
const PATIENT = { maxWallMs: 100_000 };
const never = new AbortController().signal;
const flat = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#8040c0' } });
const small = await flat(300, 200).png().toBuffer();
const cheap = await flat(2700, 2700).jpeg({ progressive: true }).toBuffer();
/** All of it is in memory while it is decoded. */
const costly = await flat(2900, 2900)
  .toColourspace('rgb16')
  .png({ progressive: true, compressionLevel: 1 })
  .toBuffer();

const decode = (decoder: Decoder, file: Buffer, signal = never) =>
  decoder.read(file, decoder.plan(file), { client: 'x', signal });

describe('a costly photo', () => {
  /** Its process is started once, and again after each photo that is abandoned. */
  const decoder = new Decoder(PATIENT);

  test('gives the same pixels in its own lane', LIMIT, async () => {
    assert.equal(decoder.plan(costly).queue, decoder.costly);
    const [own, expected] = await Promise.all([decode(decoder, costly), readPhoto(costly)]);
    assert.deepEqual(Buffer.from(own), Buffer.from(expected));
  });

  test('that is damaged is refused like any other', LIMIT, async () => {
    await assert.rejects(decode(decoder, costly.subarray(0, costly.length / 2)), { code: 'unreadable' });
  });

  test('is abandoned when its client disconnects, and the next one is decoded', LIMIT, async () => {
    const gone = new AbortController();
    const work = decode(decoder, costly, gone.signal);
    gone.abort(new Error('gone'));
    await assert.rejects(work, /gone/);
    assert.equal((await decode(decoder, costly)).length, 150_528);
  });

  test('that takes too long is abandoned and refused', LIMIT, async () => {
    const plan = decoder.plan(costly);
    const lies = { ...plan, header: { ...plan.header, milliseconds: -1e9 } };
    const work = decoder.read(costly, lies, { client: 'x', signal: never });
    await assert.rejects(work, { code: 'too-costly', status: 422 });
    assert.deepEqual([decoder.costly.running, decoder.costly.waiting], [0, 0]);
  });
});

test('no photo waits for ones that take much longer', LIMIT, async () => {
  const decoder = new Decoder({ ...PATIENT, slots: 1 });
  const done: string[] = [];
  const files = { costly, cheap, small };
  const all = (['costly', 'cheap', 'small'] as const).flatMap((lane) => {
    assert.equal(decoder.plan(files[lane]).queue, decoder[lane]);
    return Array.from({ length: 2 }, () => decode(decoder, files[lane]).then(() => done.push(lane)));
  });
  await Promise.all(all);
  assert.deepEqual(done.slice(0, 2), ['small', 'small']);
  assert.equal(done.at(-1), 'costly');
});

test('a photo that breaks the contract is refused before it has a slot', () => {
  const decoder = new Decoder(PATIENT);
  assert.throws(() => decoder.plan(Buffer.from('no photo')), { code: 'unsupported-format', status: 415 });
  assert.throws(() => decoder.plan(Buffer.alloc(0)), { code: 'empty' });
});
