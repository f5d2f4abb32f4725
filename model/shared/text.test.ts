import assert from 'node:assert/strict';
import { test } from 'node:test';
import { abridge, pluralize } from './text.ts';

test('one is one, and all else is several', () => {
  assert.deepEqual(
    [0, 1, 2].map((count) => pluralize(count, 'photo')),
    ['0 photos', '1 photo', '2 photos'],
  );
});

test('a name is cut in its middle, where it says least', () => {
  for (const [text, longest, expected] of [
    ['short', 10, 'short'],
    ['a rare alpine rose', 9, 'a ra…rose'],
    ['a rare alpine rose', 10, 'a rar…rose'],
    ['노란 꽃이 피는 나무', 5, '노란…나무'],
    ['꽃'.normalize('NFD'), 1, '꽃'.normalize('NFD')],
    ['any', 1, '…'],
    ['🌼🌼🌼', 2, '🌼…'],
  ] as const)
    assert.equal(abridge(text, longest), expected);
});
