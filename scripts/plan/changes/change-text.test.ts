import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeList, excerpts } from './change-text.ts';

test('of two long texts only the part that differs is shown, with a little around it', () => {
  const text = (middle: string) => `${'a'.repeat(200)}${middle}${'b'.repeat(200)}`;
  const { before, after } = excerpts({ path: 'x', before: text('OLD'), after: text('NEWER') });
  assert.match(before, /^…a{24}OLDb{24}…$/);
  assert.match(after, /^…a{24}NEWERb{24}…$/);
});

test('short texts are shown whole', () => {
  assert.deepEqual(excerpts({ path: 'x', before: '512', after: '1024' }), { before: '512', after: '1024' });
});

test('the same change at many places of a list is told once', () => {
  const change = (path: string, after = 'b') => ({ path, before: 'a', after, forcesReplacement: false });
  assert.deepEqual(
    changeList([change('w[1].m[0]'), change('w[2].m[5]'), change('w[3].m[0]', 'c')]).split('\n'),
    ['  - `w[1].m[0]` (and 1 more place like it): `a` → `b`', '  - `w[3].m[0]`: `a` → `c`'],
  );
});

test('very many changes are folded', () => {
  const many = Array.from({ length: 31 }, (_, index) => ({
    path: `key${index}`,
    before: 'a',
    after: 'b',
    forcesReplacement: false,
  }));
  assert.match(changeList(many), /<summary>31 changes<\/summary>/);
});
