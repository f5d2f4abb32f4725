import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shortened } from './text-width.ts';

test('a text is cut to a width, between characters', () => {
  for (const [text, columns, expected] of [
    ['short', 10, 'short'],
    ['a long line', 6, 'a lon…'],
    ['노란 꽃', 7, '노란 꽃'],
    ['노란 꽃', 6, '노란 …'],
    ['🌼🌼🌼', 4, '🌼…'],
    ['any', 0, '…'],
    ['꽃'.normalize('NFD'), 2, '꽃'.normalize('NFD')],
  ] as const)
    assert.equal(shortened(text, columns), expected);
});
