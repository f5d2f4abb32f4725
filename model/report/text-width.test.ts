import assert from 'node:assert/strict';
import { test } from 'node:test';
import { abridged, shortened, widthOf } from './text-width.ts';

test('Hangul and emoji are two letters wide', () => {
  for (const [text, width] of [
    ['', 0],
    ['rose', 4],
    ['노란 꽃', 7],
    ['🌼', 2],
    ['꽃'.normalize('NFD'), 2],
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

test('a name is cut in its middle, where it tells least', () => {
  for (const [text, columns, expected] of [
    ['short', 10, 'short'],
    ['a rare alpine rose', 9, 'a ra…rose'],
    ['a rare alpine rose', 10, 'a rar…rose'],
    ['노란 꽃이 피는 나무', 10, '노란 …나무'],
    ['any', 1, '…'],
  ] as const)
    assert.equal(abridged(text, columns), expected);
});
