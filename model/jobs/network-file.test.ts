import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { loadBackend } from '../runtime/backend.ts';
import { scramble } from '../savedmodel/testing.ts';
import { buildNetwork } from '../training/network.ts';
import { writeFiles } from './files.ts';
import { encodeNetwork, NETWORK_FILE, type NetworkShape, readNetwork } from './network-file.ts';
import type { OptMl } from './opt-ml.ts';
import { withOptMl } from './testing.ts';

before(() => loadBackend({ native: false }));

const SHAPE: NetworkShape = { stem: 4, blocks: [6, 8], dropout: 0.2 };
const LABELS = ['daisy', 'rose'];

const weightsOf = (network: LayersModel) => network.weights.map((weight) => [...weight.read().dataSync()]);

/** A network whose every weight differs from a new one's, and its file. */
const stored = async (optMl: OptMl): Promise<LayersModel> => {
  const network = buildNetwork({ ...SHAPE, classes: 2 });
  scramble(network, 5);
  await writeFiles(optMl.root, { [NETWORK_FILE]: await encodeNetwork(network, LABELS, SHAPE) });
  return network;
};

test('a network comes back with all its weights, to the bit', () =>
  withOptMl(async (optMl) => {
    const network = await stored(optMl);
    const { labels, shape, build } = await readNetwork(optMl.root);
    assert.deepEqual(labels, LABELS);
    assert.deepEqual(shape, SHAPE);
    const again = build({ classes: 2, keepClassifier: true, seed: 9 });
    assert.deepEqual(weightsOf(again), weightsOf(network));
  }));

test('for other classes the layer that names them starts anew, and nothing else', () =>
  withOptMl(async (optMl) => {
    const network = await stored(optMl);
    const { build } = await readNetwork(optMl.root);
    const other = build({ classes: 3, keepClassifier: false, seed: 9 });
    const fresh = buildNetwork({ ...SHAPE, classes: 3, seed: 9 });
    const [classifier, bias] = other.getLayer('logits').getWeights();
    const [expected] = fresh.getLayer('logits').getWeights();
    assert.deepEqual(classifier?.dataSync(), expected?.dataSync());
    assert.deepEqual(bias?.shape, [3]);
    const body = (model: LayersModel) => {
      const last = new Set(model.getLayer('logits').weights);
      return model.weights
        .filter((weight) => !last.has(weight))
        .map((weight) => [...weight.read().dataSync()]);
    };
    assert.deepEqual(body(other), body(network));
  }));

test('a missing or damaged file is no network to go on from', () =>
  withOptMl(async (optMl) => {
    await assert.rejects(readNetwork(optMl.root), { message: /network\.bin is missing/ });
    await writeFiles(optMl.root, { [NETWORK_FILE]: 'junk\n{}\n' });
    await assert.rejects(readNetwork(optMl.root), { message: /network\.bin is damaged/ });
  }));
