import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { loadBackend } from '../backend/backend.ts';
import { scramble } from '../savedmodel/test-networks.ts';
import { buildNetwork } from '../training/network.ts';
import { buildHead } from '../transfer/head.ts';
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
  await writeFiles(optMl.root, {
    [NETWORK_FILE]: await encodeNetwork(network, LABELS, { kind: 'network', shape: SHAPE }),
  });
  return network;
};

test('a network comes back with all its weights, to the bit', () =>
  withOptMl(async (optMl) => {
    const network = await stored(optMl);
    const earlier = await readNetwork(optMl.root);
    assert.deepEqual(earlier.labels, LABELS);
    assert.deepEqual(earlier.kind === 'network' && earlier.shape, SHAPE);
    const again = earlier.build({ classes: 2, keepClassifier: true, seed: 9 });
    assert.deepEqual(weightsOf(again), weightsOf(network));
  }));

test('a head comes back with the features that it was trained on', () =>
  withOptMl(async (optMl) => {
    const head = buildHead(3, 2);
    scramble(head, 6);
    const standardization = { mean: Float32Array.of(1, 2, 3), scale: Float32Array.of(4, 5, 6) };
    const kind = { kind: 'head', backbone: 'of these features', standardization } as const;
    await writeFiles(optMl.root, { [NETWORK_FILE]: await encodeNetwork(head, LABELS, kind) });
    const { labels, build, ...trained } = await readNetwork(optMl.root);
    assert.deepEqual([labels, trained], [LABELS, kind]);
    const again = build({ classes: 2, keepClassifier: true, seed: 9 });
    assert.deepEqual(weightsOf(again), weightsOf(head));
    const [hidden] = build({ classes: 4, keepClassifier: false, seed: 9 }).getLayer('hidden').getWeights();
    assert.deepEqual(hidden?.dataSync(), head.getLayer('hidden').getWeights()[0]?.dataSync());
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
