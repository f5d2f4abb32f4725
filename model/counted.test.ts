import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted } from './counted.ts';

test('one is one, and all else is several', () => {
  assert.deepEqual(
    [0, 1, 2].map((count) => counted(count, 'photo')),
    ['0 photos', '1 photo', '2 photos'],
  );
});
