import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../random.ts';
import { assertClose } from '../testing.ts';
import type { Observation } from './observe.ts';
import { fitTemperature, lossAt, probabilitiesAt, softmax } from './temperature.ts';

/** Photos whose logits, divided by `temperature`, are exactly how often each class is right. */
const observations = (temperature: number, count = 4000): Observation[] => {
  const random = seededRandom(3);
  return Array.from({ length: count }, () => {
    const scaled = [0, 0, 0].map(() => 3 * random());
    const shares = softmax(scaled, 1);
    const [first = 0, second = 0] = shares;
    const drawn = random();
    const label = drawn < first ? 0 : drawn < first + second ? 1 : 2;
    const logits = scaled.map((logit) => logit * temperature);
    return { label, features: [], logits: [logits, logits] };
  });
};

for (const temperature of [0.3, 3]) {
  test(`logits that were stretched by ${temperature} are found to be so`, () => {
    const photos = observations(temperature);
    const found = fitTemperature(photos);
    assertClose([found / temperature], [1], 0.15);
    assert.ok(lossAt(photos, found) < lossAt(photos, 1));
  });
}

test('probabilities are the mean of both views, each at the temperature', () => {
  const views = [
    [2, 0],
    [0, 2],
  ];
  assertClose(probabilitiesAt({ logits: views }, 2), [0.5, 0.5], 1e-12);
  assertClose(softmax([Math.log(3), 0], 1), [0.75, 0.25], 1e-12);
  assertClose(softmax([1000, 0], 1), [1, 0], 1e-12);
});

test('a lower temperature makes the answer surer', () => {
  const [cold = 0] = softmax([1, 0], 0.5);
  const [warm = 0] = softmax([1, 0], 2);
  assert.ok(cold > warm && warm > 0.5);
});
