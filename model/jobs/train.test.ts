import assert from 'node:assert/strict';
import { readdir, readFile, rm } from 'node:fs/promises';
import { test } from 'node:test';
import { saveTinyGraph } from '../backbone/test-backbones.ts';
import {
  CHANNELS,
  HYPERPARAMETERS,
  METRIC_DEFINITIONS,
  PHOTOS_FILE,
  TRAINING_ENVIRONMENT,
  TRAINING_PATHS,
} from '../contract/sagemaker-jobs.ts';
import { INPUT_NAME, MODEL_NAME } from '../contract/tensors.ts';
import { readSplitManifest } from '../data/split.ts';
import { metricsSchema } from '../evaluation/metrics.ts';
import { readPhoto } from '../photo/read-photo.ts';
import { plain } from '../photo/test-photos.ts';
import { textsIn } from '../savedmodel/test-networks.ts';
import { writeFiles } from '../shared/files.ts';
import { NETWORK_FILE } from './archive.ts';
import type { ContainerPaths } from './container.ts';
import { loadPackedModel } from './evaluate.ts';
import { missingLibraries } from './gpu.ts';
import { parseHyperparameters } from './hyperparameters.ts';
import { COLOURS, packModel, withContainer, writeInputs } from './test-jobs.ts';
import { commandOf, runTrainJob } from './train.ts';

const TWO = { astilbe: 4, bellflower: 4 };

/** @returns the job's log */
const run = async (container: ContainerPaths, environment: NodeJS.ProcessEnv = {}): Promise<string> => {
  const lines: string[] = [];
  const { signal } = new AbortController();
  await runTrainJob({ container, environment, signal, log: (line) => lines.push(line) });
  return lines.join('\n');
};

const channel = (container: ContainerPaths, name: string, ...below: readonly string[]) =>
  container.at(TRAINING_PATHS.channels, name, ...below);

const metricsOf = async (container: ContainerPaths) =>
  metricsSchema.parse(
    JSON.parse(await readFile(container.at(TRAINING_PATHS.output, 'metrics.json'), 'utf8')),
  );

test('a job writes model and report, and a line of metrics per epoch', () =>
  withContainer(async (container) => {
    await writeInputs(container, { train: { ...TWO, daisy: 5 }, hyperparameters: { epochs: '2' } });
    await writeFiles(channel(container, CHANNELS.test), { 'README.txt': 'Nothing, on purpose.' });
    const log = await run(container);
    for (const { Name, Regex } of METRIC_DEFINITIONS)
      assert.equal([...log.matchAll(new RegExp(Regex, 'g'))].length, 2, Name);

    const metrics = await metricsOf(container);
    const { data } = metrics;
    const counts = [data.train, data.validation, data.test].map(String);
    assert.deepEqual(counts, ['2,2,3', '1,1,1', '1,1,1']);
    assert.ok(metrics.training.photosPerSecond > 0);
    assert.deepEqual((await readdir(container.at(TRAINING_PATHS.output))).sort(), [
      'MODEL_CARD.md',
      'confusion-matrix.svg',
      'job.json',
      'metrics.json',
      'mistakes.jpg',
      'training-curves.svg',
    ]);
    const model = container.at(TRAINING_PATHS.model);
    assert.deepEqual((await readdir(model)).sort(), [MODEL_NAME, NETWORK_FILE, PHOTOS_FILE].sort());
    const [version, ...others] = await readdir(container.at(TRAINING_PATHS.model, MODEL_NAME));
    assert.deepEqual([version, others], [metrics.version, []]);
    const { train, validation, test: tested } = await readSplitManifest(model);
    assert.equal(new Set([...train, ...validation, ...tested]).size, 13);
    assert.equal(tested.length, 3);
  }));

test('separate test photos are the only test photos; a photo in both channels, and other files, are left out', () =>
  withContainer(async (container) => {
    await writeInputs(container, { train: { astilbe: 3, bellflower: 4 }, test: TWO });
    const photo = await readFile(channel(container, CHANNELS.train, 'astilbe', '0.png'));
    await writeFiles(channel(container, CHANNELS.test), { 'astilbe/shared.png': photo });
    await writeFiles(channel(container, CHANNELS.train), { 'astilbe/notes.jpg': 'no photo' });
    const log = await run(container);
    assert.match(log, /Warning: Left out of train: 1 photo that is also in test/);
    assert.match(
      log,
      /^Warning: Left out of the channel train: 1 file, such as astilbe\/notes\.jpg: .*not a photo/m,
    );
    const { data } = await metricsOf(container);
    const counts = [data.train, data.validation, data.test].map(String);
    assert.deepEqual(counts, ['1,3', '1,1', '5,4']);
  }));

const REFUSED: readonly (readonly [
  what: string,
  message: RegExp,
  prepare: (container: ContainerPaths) => Promise<unknown>,
  environment?: NodeJS.ProcessEnv,
])[] = [
  [
    'without a training channel',
    /The channel train has no photos: .* TrainData/,
    (container) => rm(channel(container, CHANNELS.train), { recursive: true }),
  ],
  [
    'with test photos of a class that is not trained',
    /The channel test has the classes lily, of which/,
    async (container) => {
      const photo = await readFile(channel(container, CHANNELS.train, 'astilbe', '0.png'));
      const other = await readFile(channel(container, CHANNELS.train, 'astilbe', '1.png'));
      await writeFiles(channel(container, CHANNELS.test), { 'astilbe/1.png': photo, 'lily/1.png': other });
    },
  ],
  [
    'on two instances',
    /2 instances.*Set InstanceCount to 1/,
    (container) =>
      writeFiles(container.root, {
        '/opt/ml/input/config/resourceconfig.json': '{"current_host":"algo-1","hosts":["algo-1","algo-2"]}',
      }),
  ],
  [
    'that requires a GPU, without one',
    new RegExp(
      `^REQUIRE_GPU is true, but no GPU can be used; .*${missingLibraries().join(', ')}.* leave REQUIRE_GPU unset\\.$`,
    ),
    async () => undefined,
    { [TRAINING_ENVIRONMENT.requireGpu]: 'true' },
  ],
];

for (const [what, message, prepare, environment = {}] of REFUSED) {
  test(`a job ${what} is refused, and writes nothing`, () =>
    withContainer(async (container) => {
      await writeInputs(container, { train: TWO });
      await prepare(container);
      await assert.rejects(run(container, environment), { message });
      await assert.rejects(readdir(container.at(TRAINING_PATHS.model)), { code: 'ENOENT' });
    }));
}

/** Serves the model of a job, and asks it for a photo of one colour. */
const answerOf = async (container: ContainerPaths, name: string) => {
  const { runner } = await loadPackedModel(container.at(TRAINING_PATHS.model));
  const [red, green, blue] = COLOURS[name] ?? [0, 0, 0];
  const photo = plain([red, green + 5, blue - 9]).png();
  const values = [await readPhoto(await photo.toBuffer())];
  const answer = await runner.run(new Map([[INPUT_NAME, { shape: [1], values }]]));
  return textsIn(answer.get('label'))[0];
};

test('a pretrained network is the backbone of a head, from which a later one starts, on the same only', () =>
  withContainer(async (container) => {
    const hyperparameters = { epochs: '40', 'batch-size': '4' };
    const pretrained = channel(container, CHANNELS.pretrained);
    await writeInputs(container, { train: { astilbe: 8, bellflower: 8 }, hyperparameters });
    saveTinyGraph(pretrained);
    await writeFiles(pretrained, { 'README.txt': 'A note.' });
    assert.match(await run(container), /Training a head on the pretrained network/);
    const { backbone, parameters, trainedParameters } = (await metricsOf(container)).training;
    assert.equal(backbone, 'the network of the channel pretrained');
    assert.ok(parameters > (trainedParameters ?? parameters));
    for (const name of ['astilbe', 'bellflower']) assert.equal(await answerOf(container, name), name);

    await packModel(container.at(TRAINING_PATHS.model), channel(container, CHANNELS.model));
    await writeInputs(container, { train: { astilbe: 11, bellflower: 10 } });
    assert.match(await run(container), /Starting from the earlier model of astilbe, bellflower\.\n/);
    saveTinyGraph(pretrained, 'none');
    await assert.rejects(run(container), { message: /was trained on another pretrained network/ });
    await rm(pretrained, { recursive: true });
    await assert.rejects(run(container), { message: /not in the channel pretrained/ });
  }));

test('a training starts from an earlier model, and does not test on what that one was trained on', () =>
  withContainer(async (container) => {
    await writeInputs(container, { train: TWO });
    await run(container);
    const model = container.at(TRAINING_PATHS.model);
    const earlier = await readSplitManifest(model);
    await packModel(model, channel(container, CHANNELS.model));

    await writeInputs(container, { train: { astilbe: 7, bellflower: 6 } });
    assert.match(await run(container), /Starting from the earlier model of astilbe, bellflower\.\n/);
    const later = await readSplitManifest(model);
    assert.ok(![...earlier.train, ...earlier.validation].some((content) => later.test.includes(content)));
    assert.ok(earlier.train.every((content) => later.train.includes(content)));

    await writeInputs(container, { train: { daisy: 4 } });
    assert.match(await run(container), /the classes differ, so its last layer, which names them, starts/);
    assert.deepEqual((await metricsOf(container)).labels, ['astilbe', 'bellflower', 'daisy']);
  }));

test('the command trains the same way, on the pretrained network that the job had', () => {
  const given = parseHyperparameters({ epochs: '3', 'learning-rate': '1E-4', balanced: 'true' });
  assert.equal(
    commandOf(given, true, { TRAINING_JOB_NAME: 'flowers-1' }),
    '# The SageMaker training job flowers-1; on another machine:\n' +
      'npm run train -- --data DIR --backbone DIR --epochs 3 --learning-rate 0.0001 --patience 10 --seed 1 --balanced',
  );
});

test('hyperparameters are numbers in any notation; missing ones have defaults', () => {
  const given = {
    ...{ [HYPERPARAMETERS.epochs]: '10', [HYPERPARAMETERS.batchSize]: '16.0', patience: '0', seed: '7' },
    ...{ [HYPERPARAMETERS.learningRate]: '1.0E-4', blocks: '12, 16', 'first-side': '64', balanced: 'true' },
    // SageMaker adds such by itself.
    ...{ _tuning_objective_metric: 'validation:accuracy', sagemaker_job_name: '"x"' },
  };
  assert.deepEqual(parseHyperparameters(given), {
    ...{ epochs: 10, batchSize: 16, learningRate: 0.0001, patience: null, seed: 7 },
    ...{ blocks: [12, 16], initialResolution: 64, balanced: true },
  });
  assert.deepEqual(parseHyperparameters({}), { seed: 1, patience: 10, balanced: false });
});

test('all wrong hyperparameters are named in one line', () => {
  for (const [key, value, message] of [
    ['epochs', 'ten', /"epochs" is "ten" but must be a whole number of at least 1/],
    ['epochs', '', /"epochs" is "" but must be/],
    ['learning-rate', '0', /"learning-rate" is "0" but must be a number above 0/],
    ['seed', '0', /at least 1/],
    ['balanced', 'yes', /true or false/],
    ['blocks', '48,,96', /a list such as 48,96/],
    ['epoch', '10', /"epoch" is unknown; known are epochs, batch-size, learning-rate, /],
  ] as const)
    assert.throws(
      () => parseHyperparameters({ [key]: value, lr: '2' }),
      ({ message: text }: Error) => message.test(text) && text.includes('"lr"') && !text.includes('\n'),
      `${key}=${value}`,
    );
  assert.throws(() => parseHyperparameters({ epochs: 3 }), { message: /all strings/ });
});
