import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { loadBackend } from '../backend/backend.ts';
import { PHOTO_SIDE } from '../contract/tensors.ts';
import { assertClose, example, picture } from '../shared/test-pictures.ts';
import { photoTensor, targetTensor } from './tensors.ts';

before(() => loadBackend({ native: false }));

test('pixels from 0 to 255 become numbers from -1 to 1, in their places', () => {
  const photos = [0, 51].map((blue) =>
    example(0, `${blue}`, picture(PHOTO_SIDE, PHOTO_SIDE, (x, y) => [x, y, blue]).data),
  );
  const tensor = photoTensor(photos);
  assert.deepEqual(tensor.shape, [2, 224, 224, 3]);
  const values = tensor.dataSync();
  const pixel = (photo: number, row: number, column: number) => {
    const start = ((photo * 224 + row) * 224 + column) * 3;
    return values.subarray(start, start + 3);
  };
  assertClose(pixel(0, 0, 0), [-1, -1, -1], 1e-6);
  assertClose(pixel(1, 10, 200), [200 / 127.5 - 1, 10 / 127.5 - 1, -0.6], 1e-6);
});

test('targets are 1 for the right class when they are not smoothed', () => {
  const targets = targetTensor([example(2, 'a'), example(0, 'b')], 3, 0);
  assert.deepEqual(targets.arraySync(), [
    [0, 0, 1],
    [1, 0, 0],
  ]);
});

test('smoothing spreads its share evenly over all classes', () => {
  const targets = targetTensor([example(1, 'a')], 4, 0.2);
  assertClose(targets.dataSync(), [0.05, 0.85, 0.05, 0.05], 1e-6);
});
