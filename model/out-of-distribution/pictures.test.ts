import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { PHOTO_BYTES } from '../contract/tensors.ts';
import { plain } from '../photo/test-photos.ts';
import { writeFiles } from '../shared/files.ts';
import { DRAWN_KINDS } from './drawings.ts';
import { drawPhotos, readPhotoKinds } from './pictures.ts';

for (const { name, draw } of DRAWN_KINDS) {
  test(`${name} are drawn the same every time, and no two are equal`, async () => {
    const [first = Buffer.of(), second = Buffer.of()] = await drawPhotos(draw, 2);
    assert.equal(first.length, PHOTO_BYTES);
    assert.deepEqual((await drawPhotos(draw, 1))[0], first);
    assert.notDeepEqual(first, second);
  });
}

test('photos of other things are read by kind; other files, and kinds without photos, are left out', async (t) => {
  const root = temporaryFolder(t);
  const photo = await plain([1, 2, 3]).jpeg().toBuffer();
  await writeFiles(root, {
    'animals/cat.jpg': photo,
    'animals/notes.txt': 'no photo',
    'buildings/house.jpg': photo,
    'empty/notes.txt': 'no photo',
  });
  const kinds = await readPhotoKinds(root);
  assert.deepEqual(
    kinds.map(({ kind, source, photos }) => [kind, source, photos.map((p) => p.length)]),
    [
      ['animals', 'photos', [PHOTO_BYTES]],
      ['buildings', 'photos', [PHOTO_BYTES]],
    ],
  );
});
