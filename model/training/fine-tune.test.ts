import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { Backbone } from '../backbone/backbone.ts';
import { computeFeatures } from '../backbone/features.ts';
import { colouredPhotos, saveLayers, saveTinyGraph, tinyLayers } from '../backbone/test-backbones.ts';
import { loadBackend } from '../backend/backend.ts';
import { encodeBackground } from '../calibration/background.ts';
import { extractFeaturesAndLogits } from '../calibration/observe.ts';
import { INPUT_NAME, PHOTO_SIDE } from '../contract/tensors.ts';
import type { Split } from '../data/split.ts';
import { decodeSavedModel, encodeSavedModel } from '../savedmodel/file.ts';
import { GraphRunner } from '../savedmodel/run.ts';
import { buildServingGraph } from '../savedmodel/serving-graph.ts';
import { numbersIn } from '../savedmodel/test-networks.ts';
import { assertClose } from '../shared/test-pictures.ts';
import { type FineTunedNetwork, type FineTuneOptions, fineTune } from './fine-tune.ts';
import { runWithStops, untimed } from './test-training.ts';
import { trainHead } from './train-head.ts';

before(() => loadBackend({ native: false }));

const work = temporaryFolder({ after });
const at = (name: string) => path.join(work, name);

const CLASSES = 3;
const photos = colouredPhotos(18, CLASSES, 1);
const split: Split = { train: photos.slice(0, 12), validation: photos.slice(12), test: [] };
const RECIPE = {
  ...{ epochs: 2, batchSize: 4, learningRate: 0.01, fineTune: 1 },
  ...{ initialResolution: 32, resolution: 48 },
};

const trainOn = (
  directory: string,
  { recipe, ...options }: Partial<FineTuneOptions> = {},
  parts: Partial<Split> = {},
): Promise<FineTunedNetwork> =>
  fineTune({
    ...{ pretrained: { directory, name: 'tiny' }, classes: CLASSES, recipe: { ...RECIPE, ...recipe } },
    ...options,
  })({ ...split, ...parts });

for (const [kind, save, accuracy] of [
  ['a graph model', saveTinyGraph, 0.8],
  // The few features of the last level distinguish other things.
  ['a layers model', (directory: string) => saveLayers(directory, tinyLayers()), 0.4],
] as const)
  test(`the last blocks of ${kind} learn the classes, and the export agrees`, async () => {
    const directory = await save(at(kind));
    const result = await trainOn(directory, { recipe: { epochs: 4, learningRate: 0.001 } });
    const { history, parameters, side, backbone, fineTuned } = result;
    const [first, last] = [history[0]?.validation?.accuracy ?? 0, history.at(-1)?.validation?.accuracy ?? 0];
    assert.ok(last > accuracy, JSON.stringify(history.at(-1)));
    assert.ok(first > accuracy, 'the classifier is fitted before the blocks change');
    assert.deepEqual([backbone, fineTuned, side], ['tiny', 1, 48]);
    assert.ok(parameters.trained < parameters.total);
    const answers = await extractFeaturesAndLogits(result.write, split.validation);
    const right = answers.filter(({ label, logits }) => logits.indexOf(Math.max(...logits)) === label);
    assert.equal(right.length / split.validation.length, last);
  });

test('stopped at any step, it ends with the very same weights', async () => {
  const directory = saveTinyGraph(at('stopped graph'));
  const expected = await trainOn(directory);
  const { resumed, history, weights } = await runWithStops(at('stopped'), [1, 3], (options) =>
    trainOn(directory, options),
  );
  assert.deepEqual(resumed, [1, 4]);
  assert.deepEqual(untimed(history), untimed(expected.history));
  assert.deepEqual(await weights(), await expected.weights());
});

test('it starts from earlier weights of the same backbone', async () => {
  const directory = saveTinyGraph(at('earlier'));
  const first = await trainOn(directory);
  const trained = await first.weights();
  const keys: string[] = [];
  const still = { epochs: 1, learningRate: 1e-12 };
  const startFrom = (given: Partial<typeof trained>) => {
    const earlier = (key: string) => {
      keys.push(key);
      return given;
    };
    return trainOn(directory, { recipe: still, earlier });
  };
  const flat = (values: readonly Float32Array[]) => values.flatMap((value) => [...value]);
  const { body, classifier } = await (await startFrom(trained)).weights();
  assertClose(flat(body), flat(trained.body), 1e-6);
  assertClose(flat(classifier), flat(trained.classifier), 1e-6);
  const fitted = await (await startFrom({ body: trained.body })).weights();
  assertClose(flat(fitted.body), flat(trained.body), 1e-6);
  assert.notDeepEqual(fitted.classifier, trained.classifier);
  assert.deepEqual(keys, [first.key, first.key]);
});

test('hiding where the evidence was costs more confidence than hiding as much elsewhere', async () => {
  const result = await trainOn(saveTinyGraph(at('evidence')), { recipe: { epochs: 1, learningRate: 1e-9 } });
  const [own, other] = photos.map(({ pixels }) => pixels);
  assert.ok(own && other);
  /** The other class's photo between two columns, in place of `photo`. */
  const hide = (photo: Uint8Array, left: number, right: number) =>
    photo.map((value, place) => {
      const x = Math.floor(place / 3) % PHOTO_SIDE;
      return (x >= left && x < right ? other[place] : undefined) ?? value;
    });
  const third = Math.round(PHOTO_SIDE / 3);
  const mixed = hide(own, 2 * third, PHOTO_SIDE);
  const asked = [mixed, hide(mixed, 0, third), hide(mixed, 2 * third, PHOTO_SIDE)];
  const graph = buildServingGraph(result.write, { labels: ['red', 'green', 'blue'], version: '1' });
  const runner = new GraphRunner(decodeSavedModel(encodeSavedModel(graph)));
  const answers = await runner.run(new Map([[INPUT_NAME, { shape: [asked.length], values: asked }]]));
  const evidence = answers.get('evidence');
  assert.ok(evidence && 'numbers' in evidence);
  const [count, height = 0, width = 0] = evidence.shape;
  assert.equal(count, asked.length);
  assert.ok(evidence.numbers.every((share) => share >= 0 && share <= 1));
  const column = (x: number) =>
    Array.from({ length: height }, (_, y) => evidence.numbers[y * width + x] ?? 0).reduce((a, b) => a + b);
  assert.ok(column(1) > 2 * column(width - 2), `${column(1)} on the left, ${column(width - 2)} on the right`);
  const [whole = 0, , , hot = 0, , , cold = 0] = numbersIn(answers.get('probabilities'));
  assert.ok(whole - hot > 2 * (whole - cold), `${whole}, without a third ${hot} or ${cold}`);
});

test('with a reference, features and background are those of the reference, and its weight is a quarter', async () => {
  const directory = saveTinyGraph(at('tuned'));
  const reference = { directory: saveTinyGraph(at('reference'), 'none'), name: 'small' };
  const backbone = await Backbone.load(reference.directory, { side: PHOTO_SIDE });
  const { name, content } = encodeBackground(backbone, await computeFeatures(backbone, split.train));
  await writeFile(path.join(reference.directory, name), content);
  const alone = await trainOn(directory);
  const both = await trainOn(directory, { reference });
  const head = await trainHead({
    ...{ pretrained: reference, classes: CLASSES, head: { hidden: 0 }, recipe: { seed: 1 } },
    backbone: { side: PHOTO_SIDE },
  })(split);
  const seen = split.validation.slice(0, 3);
  const [tuned, small, joined] = await Promise.all(
    [alone, head, both].map(({ write }) => extractFeaturesAndLogits(write, seen)),
  );
  joined?.forEach(({ features, logits }, index) => {
    assertClose(features, small?.[index]?.features ?? [], 1e-5);
    const mean = logits.map(
      (_, at) => 0.75 * (tuned?.[index]?.logits[at] ?? 0) + 0.25 * (small?.[index]?.logits[at] ?? 0),
    );
    assertClose(logits, mean, 1e-3);
  });
  assert.ok(both.parameters.total > alone.parameters.total);
  assert.ok(both.background && !alone.background);
});
