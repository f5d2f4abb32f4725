import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { colouredPhotos, saveTinyGraph } from '../backbone/test-backbones.ts';
import { type Backend, loadBackend } from '../backend/backend.ts';
import { FEWEST_PHOTOS, WITHOUT_BACKGROUND } from '../calibration/calibrate.ts';
import type { Example } from '../data/dataset.ts';
import type { Split } from '../data/split.ts';
import { compare, predictPhotos } from '../evaluation/evaluate.ts';
import { metricsSchema } from '../evaluation/metrics.ts';
import { buildNetwork } from '../network/network.ts';
import { DRAWN_KINDS } from '../out-of-distribution/drawings.ts';
import { reportFiles } from '../report/files.ts';
import { decodeSavedModel } from '../savedmodel/file.ts';
import { GraphRunner } from '../savedmodel/run.ts';
import { assertClose } from '../shared/test-pictures.ts';
import { type TrainingResult, type TrainOptions, trainModel } from './train.ts';
import { trainHead } from './train-head.ts';
import { trainNetwork } from './train-network.ts';

const LABELS = ['astilbe', 'bellflower', 'daisy'];
const CLASSES = LABELS.length;
/** Of each kind of other pictures. */
const DRAWN = 2;

const work = temporaryFolder({ after });
let backend: Backend;
before(async () => {
  backend = await loadBackend({ native: false });
  saveTinyGraph(path.join(work, 'backbone'));
});

/** Every third photo is filed under another class's name: a model that learned the others classifies it "wrongly". */
const unseen = colouredPhotos(18, CLASSES, 3).map(
  (photo, index): Example => (index % 3 === 0 ? { ...photo, label: (photo.label + 1) % CLASSES } : photo),
);

const split = (validation: number): Split => ({
  train: colouredPhotos(15, CLASSES, 1),
  validation: colouredPhotos(validation, CLASSES, 2),
  test: unseen,
});

/** Trains, and collects what is logged. */
const trained = async (options: Pick<TrainOptions, 'split' | 'trainer'> & Partial<TrainOptions>) => {
  const logged: string[] = [];
  const result = await trainModel({
    dataset: { labels: LABELS, skipped: [{ file: 'daisy/notes.txt', reason: 'not a photo' }] },
    ...{ backend, version: '7', command: 'train', seed: 3, drawn: DRAWN, log: (text) => logged.push(text) },
    ...options,
  });
  return { result, logged };
};

const headOnBackbone = () =>
  trainHead({
    pretrained: { name: 'a tiny network', directory: path.join(work, 'backbone') },
    ...{ backbone: { side: 32 }, head: { hidden: 8, dropout: 0, featureDropout: 0 } },
    ...{ classes: CLASSES, recipe: { epochs: 30, batchSize: 5, learningRate: 0.02 } },
  });

/** What the exported model says of the test photos. */
const answersOf = ({ savedModel }: TrainingResult) =>
  predictPhotos(
    new GraphRunner(decodeSavedModel(savedModel)),
    unseen.map(({ pixels }) => pixels),
  );

const FILES = [
  'MODEL_CARD.md',
  'confusion-matrix.svg',
  'metrics.json',
  'mistakes.jpg',
  'training-curves.svg',
];

/** True of every training, whether there was enough to calibrate by or not. */
const ofAnyTraining = (result: () => TrainingResult, files: readonly string[]): void => {
  test('is measured as it is exported, on the test photos', async () => {
    const { metrics, savedModel, mistakes } = result();
    const answers = (await answersOf(result())).map(({ probabilities }) => probabilities);
    const { interval, ...tested } = metrics.test;
    const expected = compare(answers, CLASSES, unseen);
    assert.deepEqual(tested, expected);
    const inItsWords = { value: tested.accuracy, interval, photos: tested.count };
    assert.ok(Buffer.from(savedModel).includes(JSON.stringify({ accuracy: inItsWords }).slice(1)));
    assert.ok(interval[0] < expected.accuracy && expected.accuracy < interval[1]);
    assert.equal(metrics.bytes, savedModel.byteLength);
    const wrong = unseen.flatMap(({ file, label, pixels }, index) => {
      const probabilities = answers[index] ?? [];
      const confidence = Math.max(...probabilities);
      const answer = probabilities.indexOf(confidence);
      if (answer === label) return [];
      return [{ file, truth: LABELS[label], answer: LABELS[answer], confidence, pixels }];
    });
    assert.ok(wrong.length > 0 && wrong.length < unseen.length);
    assert.deepEqual(mistakes, wrong);
  });

  test('leaves readable figures and a report', async () => {
    const { metrics } = result();
    const report = await reportFiles(result());
    assert.deepEqual(Object.keys(report).sort(), [...FILES, ...files].sort());
    const text = String(report['metrics.json']);
    assert.deepEqual(metricsSchema.parse(JSON.parse(text)), JSON.parse(JSON.stringify(metrics)));
    assert.deepEqual(metrics.data.train, [5, 5, 5]);
    assert.deepEqual(metrics.data.skipped, [{ file: 'daisy/notes.txt', reason: 'not a photo' }]);
  });
};

describe('with enough photos to judge by, a trained model', () => {
  let result: TrainingResult;
  let logged: string[] = [];
  before(async () => {
    ({ result, logged } = await trained({ split: split(FEWEST_PHOTOS), trainer: headOnBackbone() }));
  });

  ofAnyTraining(() => result, ['reliability.svg', 'roc.svg']);

  test('is calibrated, and says so while it is; the scores behind its figures are there', async () => {
    const said = ['Calibrating the model.', 'Measuring the exported model.', WITHOUT_BACKGROUND];
    assert.deepEqual(logged, said);
    const { scores, metrics } = result;
    const { calibration } = metrics;
    assert.ok(scores && calibration);
    assert.notEqual(calibration.temperature, 1);
    assert.equal(calibration.after.loss, metrics.test.loss);
    assert.notEqual(calibration.before.loss, calibration.after.loss);
    assert.equal(calibration.validation.count, FEWEST_PHOTOS);
    const known = (await answersOf(result)).map(({ knownScore }) => knownScore);
    assertClose(scores.known, known, 1e-6);
    assert.equal(known.filter((score) => score >= 0).length, calibration.test.kept);
    const kinds = scores.kinds.map(({ kind, scores }) => {
      const refused = scores.filter((score) => score < 0).length;
      return { kind, source: 'drawn', count: scores.length, refused };
    });
    assert.deepEqual(
      calibration.unknown.map(({ area, ...kind }) => kind),
      kinds,
    );
    assert.deepEqual(
      kinds.map(({ kind, count }) => [kind, count]),
      DRAWN_KINDS.map(({ name }) => [name, DRAWN]),
    );
  });
});

describe('with one photo too few, a trained model', () => {
  let result: TrainingResult;
  let logged: string[] = [];
  before(async () => {
    const network = buildNetwork({ classes: CLASSES, stem: 4, blocks: [6], dropout: 0 });
    const recipe = { epochs: 3, batchSize: 5, learningRate: 0.02, initialResolution: 32, emaDecay: 0 };
    const trainer = trainNetwork({ network, classes: CLASSES, recipe });
    ({ result, logged } = await trained({ split: split(FEWEST_PHOTOS - 1), trainer }));
  });

  ofAnyTraining(() => result, []);

  test('is not calibrated, and takes every photo for a known one', async () => {
    assert.deepEqual(logged, ['Measuring the exported model.']);
    const { metrics, scores } = result;
    assert.deepEqual([metrics.calibration, scores], [undefined, undefined]);
    for (const { knownScore } of await answersOf(result)) assert.equal(knownScore, 1);
    const { backbone, trainedParameters } = metrics.training;
    assert.deepEqual([backbone, trainedParameters], [null, undefined]);
  });
});
