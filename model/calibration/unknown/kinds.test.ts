import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PHOTO_BYTES } from '../../contract/tensors.ts';
import { assertSameBytes } from '../../testing.ts';
import { drawPhotos } from './draw.ts';
import { UNKNOWN_KINDS } from './kinds.ts';

for (const { name, draw } of UNKNOWN_KINDS) {
  test(`${name} are drawn the same every time, and no two alike`, async () => {
    const [first, second] = await drawPhotos(draw, 2);
    const [again] = await drawPhotos(draw, 1);
    assert.ok(first && second && again);
    assert.equal(first.length, PHOTO_BYTES);
    assertSameBytes(again, first);
    assert.notEqual(Buffer.compare(first, second), 0);
  });
}
