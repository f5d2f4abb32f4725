import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { loadBackend } from '../backend/backend.ts';
import { buildNetwork } from '../network/network.ts';
import { scramble } from '../savedmodel/test-networks.ts';
import { assertClose, example, noise } from '../shared/test-pictures.ts';
import { evaluate, networkPredictFn, type PredictFn } from './evaluate.ts';

before(() => loadBackend({ native: false }));

/** Answers with the probabilities that an example's content spells out, as in "0.1 0.9". */
const spelled: PredictFn = async (examples) =>
  examples.map(({ content }) => content.split(' ').map((share) => Number(share)));

test('each photo is counted under its truth and its answer', async () => {
  const examples = [
    example(0, '0.7 0.2 0.1'),
    example(0, '0.1 0.8 0.1'),
    example(1, '0.3 0.4 0.3'),
    example(2, '0.5 0.1 0.4'),
    example(2, '0.1 0.1 0.8'),
    example(2, '0 0 1'),
  ];
  const { confusion, correct, count, accuracy } = await evaluate(spelled, 3, examples);
  assert.deepEqual(confusion, [
    [1, 1, 0],
    [0, 1, 0],
    [1, 0, 2],
  ]);
  assert.deepEqual([correct, count], [4, 6]);
  assertClose([accuracy], [4 / 6], 1e-12);
});

test('the loss is the mean cross-entropy in nats', async () => {
  const examples = [example(0, '0.5 0.5'), example(1, '0.75 0.25')];
  const { loss } = await evaluate(spelled, 2, examples);
  assertClose([loss], [(Math.log(2) + Math.log(4)) / 2], 1e-12);
});

test('a probability of zero for the truth costs much, but not everything', async () => {
  const { loss } = await evaluate(spelled, 2, [example(0, '0 1')]);
  assert.ok(loss > 10 && Number.isFinite(loss));
});

test('photos are asked about in batches, and every one is counted', async () => {
  const sizes: number[] = [];
  const examples = Array.from({ length: 75 }, (_, index) => example(index % 2, '0.9 0.1'));
  const { confusion } = await evaluate(
    (batch) => {
      sizes.push(batch.length);
      return spelled(batch);
    },
    2,
    examples,
  );
  assert.ok(sizes.length > 1 && Math.max(...sizes) < 75, 'not all at once');
  assert.deepEqual(confusion, [
    [38, 0],
    [37, 0],
  ]);
});

test('a network answers with one row of probabilities per photo, independent of the others', async () => {
  const network = buildNetwork({ classes: 3, stem: 4, blocks: [6] });
  scramble(network, 2);
  const predict = networkPredictFn(network);
  const photos = [1, 2, 3].map((seed) => example(0, `noise ${seed}`, noise(seed)));
  const rows = await predict(photos);
  assert.equal(rows.length, 3);
  for (const row of rows) assertClose([row.length, row.reduce((sum, share) => sum + share, 0)], [3, 1], 1e-5);
  const [second = []] = await predict(photos.slice(1, 2));
  assertClose(second, rows[1] ?? [], 1e-5);
  assert.notDeepEqual(rows[0], rows[1]);
});
