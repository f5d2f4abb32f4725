import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import {
  CHANNELS,
  METRIC_DEFINITIONS,
  MODEL_ARCHIVE,
  PHOTOS_FILE,
  TRAINING_ENVIRONMENT,
  TRAINING_PATHS,
} from '../../contract/sagemaker-jobs.ts';
import { INPUT_NAME, MODEL_NAME } from '../../contract/tensors.ts';
import { metricsSchema } from '../../evaluation/metrics.ts';
import { readPhoto } from '../../photo/read-photo.ts';
import { plain } from '../../photo/test-photos.ts';
import { Stopped } from '../../training/stop.ts';
import { saveTinyGraph } from '../../transfer/testing.ts';
import { loadPackedModel } from '../evaluate/model.ts';
import { writeFiles } from '../files.ts';
import { NETWORK_FILE } from '../network-file.ts';
import type { OptMl } from '../opt-ml.ts';
import { readPhotosFile } from '../photos-file.ts';
import { COLOURS, packModel, withOptMl, writeInputs } from '../testing.ts';
import { runTrainJob, type TrainJobOptions } from './job.ts';

const TWO = { astilbe: 4, bellflower: 4 };

/** @returns the job's log */
const run = async (
  optMl: OptMl,
  { signal = new AbortController().signal, environment = {} }: Partial<TrainJobOptions> = {},
): Promise<string> => {
  const lines: string[] = [];
  await runTrainJob({ optMl, environment, signal, say: (line) => lines.push(line) });
  return lines.join('\n');
};

const channel = (optMl: OptMl, name: string, ...below: readonly string[]) =>
  optMl.at(TRAINING_PATHS.channels, name, ...below);

const metricsOf = async (optMl: OptMl) =>
  metricsSchema.parse(JSON.parse(await readFile(optMl.at(TRAINING_PATHS.output, 'metrics.json'), 'utf8')));

test('a job writes model and report, and a line of metrics per epoch', () =>
  withOptMl(async (optMl) => {
    await writeInputs(optMl, { train: { ...TWO, daisy: 5 }, hyperparameters: { epochs: '2' } });
    await writeFiles(channel(optMl, CHANNELS.test), { 'README.txt': 'Nothing, on purpose.' });
    const log = await run(optMl);
    for (const { Name, Regex } of METRIC_DEFINITIONS)
      assert.equal([...log.matchAll(new RegExp(Regex, 'g'))].length, 2, Name);

    const metrics = await metricsOf(optMl);
    assert.deepEqual(metrics.data.train, [2, 2, 3]);
    assert.deepEqual(
      [metrics.data.validation, metrics.data.test],
      [
        [1, 1, 1],
        [1, 1, 1],
      ],
    );
    assert.ok(metrics.training.photosPerSecond > 0);
    assert.deepEqual((await readdir(optMl.at(TRAINING_PATHS.output))).sort(), [
      'MODEL_CARD.md',
      'confusion-matrix.svg',
      'job.json',
      'metrics.json',
      'mistakes.jpg',
      'training-curves.svg',
    ]);
    const model = optMl.at(TRAINING_PATHS.model);
    assert.deepEqual((await readdir(model)).sort(), [MODEL_NAME, NETWORK_FILE, PHOTOS_FILE].sort());
    const [version, ...others] = await readdir(optMl.at(TRAINING_PATHS.model, MODEL_NAME));
    assert.deepEqual([version, others], [metrics.version, []]);
    const { train, validation, test: tested } = await readPhotosFile(model);
    assert.equal(new Set([...train, ...validation, ...tested]).size, 13);
    assert.equal(tested.length, 3);
  }));

test('given test photos are the only ones tested on; a photo in both channels is not trained on', () =>
  withOptMl(async (optMl) => {
    await writeInputs(optMl, { train: TWO, test: TWO });
    const [shared] = await readdir(channel(optMl, CHANNELS.train, 'astilbe'));
    const photo = await readFile(channel(optMl, CHANNELS.train, 'astilbe', shared ?? ''));
    await writeFile(channel(optMl, CHANNELS.test, 'astilbe', 'shared.png'), photo);
    assert.match(await run(optMl), /Warning: Left out of train: 1 photo that is also in test/);
    const { data } = await metricsOf(optMl);
    assert.deepEqual(
      [data.train, data.validation, data.test],
      [
        [2, 3],
        [1, 1],
        [5, 4],
      ],
    );
  }));

test('files that are no photos are left out and named, and so is what is left of a class', () =>
  withOptMl(async (optMl) => {
    await writeInputs(optMl, { train: { astilbe: 3, bellflower: 4 } });
    await writeFile(channel(optMl, CHANNELS.train, 'astilbe', 'notes.jpg'), 'no photo');
    const log = await run(optMl);
    assert.match(log, /left out astilbe\/notes\.jpg: .*not a photo/);
    assert.match(log, /^Warning: Left out of the channel train: \d files?, such as astilbe\/notes\.jpg: /m);
    assert.match(log, /Warning: The class astilbe has only 3 photos/);
    assert.equal((await metricsOf(optMl)).data.skipped.length, 1);
  }));

const REFUSED: Readonly<Record<string, { prepare: (optMl: OptMl) => Promise<unknown>; message: RegExp }>> = {
  'without a training channel': {
    prepare: (optMl) => rm(channel(optMl, CHANNELS.train), { recursive: true }),
    message: /The channel train holds no photos: .* TrainData/,
  },
  'with an empty class': {
    prepare: (optMl) => mkdir(channel(optMl, CHANNELS.train, 'lily')),
    message: /The channel train .* without usable photos: lily\. .* or take the folders away/,
  },
  'with a class of broken files': {
    prepare: (optMl) => writeFiles(channel(optMl, CHANNELS.train, 'lily'), { '1.jpg': 'broken' }),
    message: /without usable photos: lily/,
  },
  'with a single class': {
    prepare: (optMl) => rm(channel(optMl, CHANNELS.train, 'astilbe'), { recursive: true }),
    message: /at least two folders/,
  },
  'with test photos of a class that is not trained': {
    prepare: async (optMl) => {
      const photo = await readFile(channel(optMl, CHANNELS.train, 'astilbe', '0.png'));
      const other = await readFile(channel(optMl, CHANNELS.train, 'astilbe', '1.png'));
      await writeFiles(channel(optMl, CHANNELS.test), { 'astilbe/1.png': photo, 'lily/1.png': other });
    },
    message: /The channel test has the classes lily, of which/,
  },
  'on two machines': {
    prepare: (optMl) =>
      writeFiles(optMl.root, {
        '/opt/ml/input/config/resourceconfig.json': '{"current_host":"algo-1","hosts":["algo-1","algo-2"]}',
      }),
    message: /2 machines.*Set InstanceCount to 1/,
  },
  'from an archive that is none of ours': {
    prepare: async (optMl) => {
      await writeFiles(optMl.at('other'), { 'image-classifier/1/saved_model.pb': 'x' });
      await packModel(optMl.at('other'), channel(optMl, CHANNELS.model));
    },
    message: /network\.bin is missing/,
  },
};

for (const [name, { prepare, message }] of Object.entries(REFUSED)) {
  test(`a job ${name} is refused, and nothing is written`, () =>
    withOptMl(async (optMl) => {
      await writeInputs(optMl, { train: TWO });
      await prepare(optMl);
      await assert.rejects(run(optMl), { message });
      await assert.rejects(readdir(optMl.at(TRAINING_PATHS.model)), { code: 'ENOENT' });
    }));
}

test('a job that requires a GPU does not train without one', () =>
  withOptMl(async (optMl) => {
    await writeInputs(optMl, { train: TWO });
    const environment = { [TRAINING_ENVIRONMENT.requireGpu]: 'true' };
    await assert.rejects(run(optMl, { environment }), { message: /^REQUIRE_GPU is true, but no GPU/ });
  }));

test('a job that is stopped while it reads its photos ends at once', () =>
  withOptMl(async (optMl) => {
    await writeInputs(optMl, { train: TWO });
    await assert.rejects(run(optMl, { signal: AbortSignal.abort(new Stopped('Stopped.')) }), Stopped);
  }));

/** A TensorFlow.js graph model that sees of a photo its mean colour. */
const MEAN_COLOUR = {
  'model.json': JSON.stringify({
    format: 'graph-model',
    modelTopology: {
      versions: { producer: 1 },
      node: [
        { name: 'photos', op: 'Placeholder', attr: { dtype: { type: 'DT_FLOAT' } } },
        { name: 'axes', op: 'Const', attr: { dtype: { type: 'DT_INT32' } } },
        { name: 'pooling', op: 'Mean', input: ['photos', 'axes'], attr: { keep_dims: { b: false } } },
      ],
    },
    weightsManifest: [{ paths: ['weights.bin'], weights: [{ name: 'axes', shape: [2], dtype: 'int32' }] }],
  }),
  'weights.bin': new Uint8Array(Int32Array.of(1, 2).buffer),
};

test('a pretrained network is a teacher where that is asked for', () =>
  withOptMl(async (optMl) => {
    await writeInputs(optMl, { train: TWO, hyperparameters: { 'pretrained-as': 'teacher' } });
    await writeFiles(channel(optMl, CHANNELS.pretrained), MEAN_COLOUR);
    assert.match(await run(optMl), /The pretrained network is the teacher of this training/);
    const { teacher, backbone } = (await metricsOf(optMl)).training;
    assert.deepEqual([teacher, backbone], ['the network of the channel pretrained', null]);
    // Changed, it is another teacher: nothing may go on from what the first one taught.
    await writeFiles(channel(optMl, CHANNELS.pretrained), { 'labels.txt': 'another' });
    assert.match(await run(optMl), /another training, which differs in its options/);
  }));

/** Serves the model of a job, and asks it for a photo of one colour. */
const answerOf = async (optMl: OptMl, name: string) => {
  const { runner } = await loadPackedModel(optMl.at(TRAINING_PATHS.model));
  const [red, green, blue] = COLOURS[name] ?? [0, 0, 0];
  const photo = await readPhoto(
    await plain([red, green + 5, blue - 9])
      .png()
      .toBuffer(),
  );
  const answer = (await runner.run(new Map([[INPUT_NAME, { shape: [1], values: [photo] }]]))).get('label');
  return answer && 'strings' in answer ? new TextDecoder().decode(answer.strings[0]) : undefined;
};

test('a pretrained network is the backbone of a head, and both are one model', () =>
  withOptMl(async (optMl) => {
    const hyperparameters = { epochs: '40', 'batch-size': '4' };
    await writeInputs(optMl, { train: { astilbe: 8, bellflower: 8 }, hyperparameters });
    saveTinyGraph(channel(optMl, CHANNELS.pretrained));
    await writeFiles(channel(optMl, CHANNELS.pretrained), { 'README.txt': 'A note.' });
    assert.match(await run(optMl), /Training a head on the pretrained network/);
    const { backbone, parameters, trainedParameters } = (await metricsOf(optMl)).training;
    assert.equal(backbone, 'the network of the channel pretrained');
    assert.ok(parameters > (trainedParameters ?? parameters));
    assert.equal(await answerOf(optMl, 'astilbe'), 'astilbe');
    assert.equal(await answerOf(optMl, 'bellflower'), 'bellflower');
  }));

test('a head goes on from an earlier head, on the same backbone only', () =>
  withOptMl(async (optMl) => {
    await writeInputs(optMl, { train: TWO });
    saveTinyGraph(channel(optMl, CHANNELS.pretrained));
    await run(optMl);
    await packModel(optMl.at(TRAINING_PATHS.model), channel(optMl, CHANNELS.model));
    await writeInputs(optMl, { train: { astilbe: 7, bellflower: 6 } });
    assert.match(await run(optMl), /Going on from the earlier model of astilbe, bellflower\.\n/);
    saveTinyGraph(channel(optMl, CHANNELS.pretrained), 'none');
    await assert.rejects(run(optMl), { message: /stands on another pretrained network/ });
    await rm(channel(optMl, CHANNELS.pretrained), { recursive: true });
    await assert.rejects(run(optMl), { message: /the channel pretrained does not hold/ });
  }));

test('a training goes on from an earlier model, and does not test on what that one has learned', () =>
  withOptMl(async (optMl) => {
    await writeInputs(optMl, { train: TWO });
    await run(optMl);
    const model = optMl.at(TRAINING_PATHS.model);
    const earlier = await readPhotosFile(model);
    await packModel(model, channel(optMl, CHANNELS.model));
    assert.deepEqual(await readdir(channel(optMl, CHANNELS.model)), [MODEL_ARCHIVE]);

    await writeInputs(optMl, {
      train: { astilbe: 7, bellflower: 6 },
      hyperparameters: { 'learning-rate': '1e-9' },
    });
    assert.match(await run(optMl), /Going on from the earlier model of astilbe, bellflower\.\n/);
    const later = await readPhotosFile(model);
    const seen = new Set([...earlier.train, ...earlier.validation]);
    assert.ok(later.test.every((content) => !seen.has(content)));
    assert.ok(earlier.train.every((content) => later.train.includes(content)));

    await writeInputs(optMl, { train: { daisy: 4 } });
    assert.match(await run(optMl), /the classes differ, so its last layer, which names them, starts anew/);
    assert.deepEqual((await metricsOf(optMl)).labels, ['astilbe', 'bellflower', 'daisy']);
  }));
