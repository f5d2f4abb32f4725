import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { colouredPhotos } from '../backbone/test-backbones.ts';
import { loadBackend } from '../backend/backend.ts';
import { MODEL_NAME } from '../contract/tensors.ts';
import { trainValidationTestSplit } from '../data/split.ts';
import { predictPhotos } from '../evaluation/evaluate.ts';
import { metricsSchema } from '../evaluation/metrics.ts';
import { buildNetwork } from '../network/network.ts';
import { exampleMetrics } from '../report/test-metrics.ts';
import { layersNetwork } from '../savedmodel/export-layers.ts';
import { decodeSavedModel, encodeSavedModel, storeModel } from '../savedmodel/file.ts';
import { GraphRunner } from '../savedmodel/run.ts';
import { buildServingGraph } from '../savedmodel/serving-graph.ts';
import { scramble } from '../savedmodel/test-networks.ts';
import { jsonText, writeFiles } from '../shared/files.ts';
import { readStoredTraining, recalibrate } from './recalibrate.ts';
import { countByClass } from './train.ts';

const LABELS = ['astilbe', 'bellflower', 'daisy'];
const SHARES = { test: 0.1, validation: 0.5 };
const dataset = { labels: LABELS, examples: colouredPhotos(42, LABELS.length, 1), skipped: [] };
const split = trainValidationTestSplit(dataset, { ...SHARES, seed: 1 });

const directory = temporaryFolder({ after });
before(() => loadBackend({ native: false }));

/** Stores a network of its own as this version. */
const storeVersion = (version: string): Promise<void> => {
  const network = buildNetwork({ classes: LABELS.length, stem: 4, blocks: [6], dropout: 0 });
  scramble(network, Number(version));
  const graph = buildServingGraph(layersNetwork(network), { labels: LABELS, version });
  return storeModel(directory, version, encodeSavedModel(graph));
};

const storeReport = (version: string): Promise<void> => {
  const data = { ...countByClass(LABELS, split), skipped: [], seed: 1 };
  return writeFiles(directory, {
    'metrics.json': jsonText(exampleMetrics({ version, labels: LABELS, data })),
  });
};

const versions = async () => (await readdir(path.join(directory, MODEL_NAME))).sort();

/** The test photos' classes, from the most to the least probable: a temperature does not change them. */
const rankings = async (version: string) => {
  const file = path.join(directory, MODEL_NAME, version, 'saved_model.pb');
  const answers = await predictPhotos(
    new GraphRunner(decodeSavedModel(await readFile(file))),
    split.test.map(({ pixels }) => pixels),
  );
  return answers.map(({ probabilities }) =>
    [...probabilities.keys()].sort((a, b) => (probabilities[b] ?? 0) - (probabilities[a] ?? 0)),
  );
};

test('the newest version is calibrated and replaced, not the first or last by name; others stay', async () => {
  for (const version of ['1', '9', '10']) await storeVersion(version);
  await storeReport('10');
  const [expected, other] = [await rankings('10'), await rankings('9')];
  assert.notDeepEqual(expected, other);
  const stored = await readStoredTraining(directory);
  assert.equal(stored.version, '10');
  const told = new Set<string>();
  const onProgress = (what: string) => told.add(what);
  const { version } = await recalibrate({ stored, dataset, shares: SHARES, drawn: 1, onProgress });
  assert.deepEqual([...told], ['Calibrating, photos', 'Measuring, photos']);
  assert.deepEqual(await versions(), ['1', version, '9']);
  assert.deepEqual(await rankings(version), expected);
  const metrics = metricsSchema.parse(
    JSON.parse(await readFile(path.join(directory, 'metrics.json'), 'utf8')),
  );
  assert.equal(metrics.version, version);
  assert.equal(metrics.calibration?.network, '10');
  const files = await readdir(directory);
  assert.ok(files.includes('roc.svg') && files.includes('reliability.svg'));
  assert.ok(!files.includes('mistakes.jpg'), 'the report showed no photos before');
});

test('a report about another version than the newest is refused, and nothing is changed', async () => {
  await storeReport('9');
  const before = await versions();
  await assert.rejects(readStoredTraining(directory), /metrics\.json is about version 9/);
  assert.deepEqual(await versions(), before);
});

test('other photos than those of the training are refused, and nothing is changed', async () => {
  const [, newest = ''] = await versions();
  await storeReport(newest);
  const stored = await readStoredTraining(directory);
  const fewer = { ...dataset, examples: dataset.examples.slice(3) };
  await assert.rejects(
    recalibrate({ stored, dataset: fewer, shares: SHARES }),
    /other numbers of train photos/,
  );
  assert.deepEqual(await versions(), ['1', newest, '9']);
});
