import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeFlower, describeUnknown } from './answer.ts';
import { FLOWERS } from './flowers.ts';

const ORIGINAL =
  'astilbe bellflower black_eyed_susan calendula california_poppy carnation common_daisy coreopsis daffodil dandelion iris magnolia rose sunflower tulip water_lily'.split(
    ' ',
  );

test('every flower of the original is named and described in both languages', () => {
  assert.deepEqual([...FLOWERS.keys()], ORIGINAL);
  for (const { en, ko } of FLOWERS.values()) {
    assert.match(ko.name, /^[가-힣]+$/);
    assert.match(ko.description, /[가-힣].*니다\.$/);
    assert.match(en.name, /^[A-Z]/);
    assert.match(en.description, /\.$/);
  }
});

test('a label without an entry still gets a readable name', () => {
  const { en, ko } = describeFlower('snow-drop_white');
  assert.equal(en.name, 'Snow drop white');
  assert.equal(ko.name, 'Snow drop white');
  assert.match(en.description, /Snow drop white/);
});

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
