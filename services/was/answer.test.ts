import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildAnswer, describeUnknown } from './answer.ts';
import { CLASSIFICATION } from './fake-classifier.ts';

const names = (count: number) => Array.from({ length: count }, (_, i) => ({ en: `F${i}`, ko: `꽃${i}` }));

test('a rejection names the first six flowers that the model knows, and counts the others', () => {
  const cases = {
    3: [/: F0, F1, F2\./, /\(꽃0, 꽃1, 꽃2\)/],
    10: [/F4, F5 and 4 more\./, /꽃5 외 4가지\)/],
  } as const;
  for (const [count, [english, korean]] of Object.entries(cases)) {
    const { en, ko } = describeUnknown(names(Number(count)));
    assert.match(en.description, english);
    assert.match(ko.description, korean);
  }
  const words = { ...CLASSIFICATION.words, model: { title: { en: 'Pets', ko: '동물' } } };
  const classification = { ...CLASSIFICATION, known: false, words };
  const { description } = buildAnswer({ classification, language: 'en' }).result;
  assert.match(description, /like anything I know: .* photo with one of them in the centre/);
});
