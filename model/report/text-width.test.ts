import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shortened, widthOf } from './text-width.ts';

test('Hangul and emoji are two letters wide', () => {
  for (const [text, width] of [
    ['', 0],
    ['rose', 4],
    ['노란 꽃', 7],
    ['🌼', 2],
  ] as const)
    assert.equal(widthOf(text), width, text);
});

test('a text is cut to a width, between characters', () => {
  for (const [text, columns, expected] of [
    ['short', 10, 'short'],
    ['a long line', 6, 'a lon…'],
    ['노란 꽃', 7, '노란 꽃'],
    ['노란 꽃', 6, '노란 …'],
    ['🌼🌼🌼', 4, '🌼…'],
    ['any', 0, '…'],
  ] as const)
    assert.equal(shortened(text, columns), expected);
});
