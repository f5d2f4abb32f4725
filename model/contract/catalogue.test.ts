import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FLOWERS, labelNames, labelWords, parseCatalogue } from './catalogue.ts';

const ORIGINAL =
  'astilbe bellflower black_eyed_susan calendula california_poppy carnation common_daisy coreopsis daffodil dandelion iris magnolia rose sunflower tulip water_lily'.split(
    ' ',
  );

test('every flower of the original is named and described in both languages', () => {
  assert.deepEqual(Object.keys(FLOWERS.classes), ORIGINAL);
  for (const { en, ko } of Object.values(FLOWERS.classes)) {
    assert.match(ko.name, /^[가-힣]+$/);
    assert.match(ko.description, /[가-힣].*니다\.$/);
    assert.match(en.name, /^[A-Z]/);
    assert.match(en.description, /\.$/);
  }
});

const cat = { en: { name: 'Cat', description: 'It purrs.' } };
const pets = JSON.stringify({
  model: { unknown: { ko: { name: '모르는 동물', description: '다른 사진으로 시도해 보세요.' } } },
  classes: { cat, rose: { ko: { name: '들장미', description: '들에 핍니다.' } } },
});

test("a catalogue takes precedence over the flowers', and one language stands in for the other", () => {
  const catalogue = parseCatalogue(pets, 'catalogue.json');
  assert.deepEqual(labelNames('cat', catalogue), { en: 'Cat', ko: 'Cat' });
  assert.deepEqual(labelNames('rose', catalogue), { en: '들장미', ko: '들장미' });
  assert.deepEqual(labelNames('iris', catalogue), labelNames('iris'));
  const { description, model } = labelWords('cat', catalogue);
  assert.equal(description.ko, 'It purrs.');
  assert.equal(model.unknown?.en.name, '모르는 동물');
});

const INVALID: readonly (readonly [what: string, json: string, message: RegExp])[] = [
  ['no JSON', '{', /cats\/catalogue\.json cannot be used: it is not valid JSON/],
  ['no classes', '{}', /classes: /],
  ['a class in no language', '{"classes":{"cat":{}}}', /classes\.cat: needs en or ko/],
  ['an unknown field', JSON.stringify({ classes: {}, titel: '' }), /it: .*"titel"/],
];
for (const [what, json, message] of INVALID)
  test(`a catalogue with ${what} is refused, with the place`, () =>
    assert.throws(() => parseCatalogue(json, 'cats/catalogue.json'), message));
