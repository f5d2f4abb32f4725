import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeUnknown } from './answer.ts';

const names = (count: number) => Array.from({ length: count }, (_, i) => ({ en: `F${i}`, ko: `꽃${i}` }));

test('a few flowers are all named', () => {
  const { en, ko } = describeUnknown(names(3));
  assert.match(en.description, /: F0, F1, F2\./);
  assert.match(ko.description, /\(꽃0, 꽃1, 꽃2\)/);
});

test('of many flowers the first six are named and the others counted', () => {
  const { en, ko } = describeUnknown(names(10));
  assert.match(en.description, /F4, F5 and 4 more\./);
  assert.match(ko.description, /꽃5 외 4가지\)/);
});
