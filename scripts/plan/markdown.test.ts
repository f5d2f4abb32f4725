import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bullet, code, conjoin, markdownTable, shorten } from './markdown.ts';

test('nothing in code is taken for Markdown', () => {
  assert.equal(code('a*b'), '`a*b`');
  assert.equal(code('echo `date`'), '`` echo `date` ``');
  assert.equal(code(''), '`""`');
});

test('a long item of a list is wrapped under its text', () => {
  const wrapped = bullet(Array.from({ length: 40 }, () => 'word').join(' '), 1).split('\n');
  assert.ok(wrapped.length > 1);
  assert.match(wrapped[0] ?? '', /^ {2}- word/);
  for (const line of wrapped.slice(1)) assert.match(line, /^ {4}word/);
  for (const line of wrapped) assert.ok(line.length <= 110);
});

test('no line starts with what Markdown takes for something else', () => {
  for (const word of ['-', '2.', '#']) {
    const text = bullet(`${'x'.repeat(104)} ${word} ${'y'.repeat(20)}`);
    assert.deepEqual(text.split('\n')[1]?.trim(), 'y'.repeat(20), word);
  }
});

test('cells are aligned, and hold no line break and no bare separator', () => {
  assert.deepEqual(markdownTable(['a', 'name'], [['x|y', 'one\ntwo']]).split('\n'), [
    '| a    | name    |',
    '|------|---------|',
    '| x\\|y | one two |',
  ]);
});

test('long text loses its middle', () => {
  const short = shorten(`${'a'.repeat(100)}${'b'.repeat(100)}`, 21);
  assert.equal(short, `${'a'.repeat(10)}…${'b'.repeat(10)}`);
  assert.equal(shorten('one\n  two'), 'one two');
});

test('words are joined as in a sentence', () => {
  assert.deepEqual([[], ['a'], ['a', 'b', 'c']].map(conjoin), ['', 'a', 'a, b and c']);
});
