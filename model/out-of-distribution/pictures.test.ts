import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { PHOTO_BYTES } from '../contract/tensors.ts';
import { writeFiles } from '../shared/files.ts';
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

const photo = () =>
  sharp({ create: { width: 300, height: 260, channels: 3, background: '#6a8f3c' } })
    .jpeg()
    .toBuffer();

test('photos of other things are read by purpose and kind; other files are left out', async (t) => {
  const root = temporaryFolder(t);
  await writeFiles(root, {
    'choosing/animals/cat.jpg': await photo(),
    'choosing/animals/notes.txt': 'no photo',
    'measuring/buildings/house.jpg': await photo(),
  });
  const kinds = await readPhotoKinds(root);
  assert.deepEqual(
    kinds.map(({ kind, purpose, source, photos }) => [kind, purpose, source, photos.map((p) => p.length)]),
    [
      ['animals', 'choosing', 'photos', [PHOTO_BYTES]],
      ['buildings', 'measuring', 'photos', [PHOTO_BYTES]],
    ],
  );
});

test('a kind without a single photo is left out: nothing can be measured by it', async (t) => {
  const root = temporaryFolder(t);
  await mkdir(path.join(root, 'choosing'));
  await writeFiles(root, { 'measuring/empty/notes.txt': 'no photo' });
  assert.deepEqual(await readPhotoKinds(root), []);
});

test('a folder without the two purposes is refused with the layout it should have', (t) =>
  assert.rejects(
    readPhotoKinds(temporaryFolder(t)),
    /choosing cannot be read.*choosing\/<kind>\/ and measuring\/<kind>\//,
  ));
