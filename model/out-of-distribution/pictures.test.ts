import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import sharp from 'sharp';
import { PHOTO_BYTES } from '../contract/tensors.ts';
import { assertSameBytes } from '../shared/test-pictures.ts';
import { DRAWN_KINDS } from './drawings.ts';
import { drawPhotos, readPhotoKinds } from './pictures.ts';

for (const { name, draw } of DRAWN_KINDS) {
  test(`${name} are drawn the same every time, and no two are equal`, async () => {
    const [first, second] = await drawPhotos(draw, 2);
    const [again] = await drawPhotos(draw, 1);
    assert.ok(first && second && again);
    assert.equal(first.length, PHOTO_BYTES);
    assertSameBytes(again, first);
    assert.notEqual(Buffer.compare(first, second), 0);
  });
}

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'photo-kinds-'));
});
afterEach(() => rm(root, { recursive: true }));

const photo = () =>
  sharp({ create: { width: 300, height: 260, channels: 3, background: '#6a8f3c' } })
    .jpeg()
    .toBuffer();

const put = async (name: string, content: Uint8Array | string) => {
  const file = path.join(root, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
};

test('photos of other things are read by purpose and kind; other files are left out', async () => {
  await put('choosing/animals/cat.jpg', await photo());
  await put('choosing/animals/notes.txt', 'no photo');
  await put('measuring/buildings/house.jpg', await photo());
  const kinds = await readPhotoKinds(root);
  assert.deepEqual(
    kinds.map(({ kind, purpose, source, photos }) => [kind, purpose, source, photos.map((p) => p.length)]),
    [
      ['animals', 'choosing', 'photos', [PHOTO_BYTES]],
      ['buildings', 'measuring', 'photos', [PHOTO_BYTES]],
    ],
  );
});

test('a kind without a single photo is left out: nothing can be measured by it', async () => {
  await mkdir(path.join(root, 'choosing'));
  await put('measuring/empty/notes.txt', 'no photo');
  assert.deepEqual(await readPhotoKinds(root), []);
});

test('a folder without the two purposes is refused with the layout it should have', () =>
  assert.rejects(
    readPhotoKinds(root),
    /choosing cannot be read.*choosing\/<kind>\/ and measuring\/<kind>\//,
  ));
