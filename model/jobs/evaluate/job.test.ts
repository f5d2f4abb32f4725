import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { extract } from 'tar';
import { z } from 'zod';
import {
  EVALUATION_INPUTS,
  EVALUATION_OUTPUT,
  MODEL_ARCHIVE,
  PHOTOS_FILE,
  TRAINING_PATHS,
} from '../../contract/sagemaker-jobs.ts';
import { metricsSchema } from '../../evaluation/metrics.ts';
import { jsonText, writeFiles } from '../files.ts';
import { OptMl } from '../opt-ml.ts';
import { packModel, withOptMl, writeInputs, writePhotos } from '../testing.ts';
import { runTrainJob } from '../train/job.ts';
import { runEvaluateJob } from './job.ts';

const PHOTOS = { astilbe: 6, bellflower: 6 };

/** Where a model was trained on {@link PHOTOS}. */
let trained: OptMl;
before(async () => {
  trained = new OptMl(await mkdtemp(path.join(tmpdir(), 'trained-')));
  await writeInputs(trained, { train: PHOTOS, hyperparameters: { epochs: '2' } });
  const signal = new AbortController().signal;
  await runTrainJob({ optMl: trained, environment: {}, signal, say: () => {} });
  await packModel(trained.at(TRAINING_PATHS.model), trained.at('packed'));
});
after(() => rm(trained.root, { recursive: true }));

const run = async (optMl: OptMl) => {
  const lines: string[] = [];
  const signal = new AbortController().signal;
  const result = await runEvaluateJob({ optMl, signal, say: (line) => lines.push(line) });
  return { result, log: lines.join('\n') };
};

const withEvaluation = (work: (optMl: OptMl) => Promise<void>) =>
  withOptMl(async (optMl) => {
    await mkdir(optMl.at(EVALUATION_INPUTS.model), { recursive: true });
    const archive = optMl.at(EVALUATION_INPUTS.model, MODEL_ARCHIVE);
    await copyFile(trained.at('packed', MODEL_ARCHIVE), archive);
    await writePhotos(optMl.at(EVALUATION_INPUTS.train), PHOTOS);
    await work(optMl);
  });

const reportSchema = z.object({
  result: z.string(),
  multiclass_classification_metrics: z.object({
    accuracy: z.object({ value: z.number() }),
    confusion_matrix: z.record(z.string(), z.record(z.string(), z.int())),
  }),
  evaluation: z.object({
    modelVersion: z.string(),
    labels: z.array(z.string()),
    count: z.int(),
    correct: z.int(),
    interval: z.tuple([z.number(), z.number()]),
    classes: z.array(
      z.object({
        label: z.string(),
        photos: z.int(),
        recall: z.number().nullable(),
        precision: z.number().nullable(),
      }),
    ),
    confusion: z.array(z.array(z.int())),
    missing: z.int(),
  }),
});

const reportOf = async (optMl: OptMl) => {
  const file = optMl.at(EVALUATION_OUTPUT.path, EVALUATION_OUTPUT.file);
  return reportSchema.parse(JSON.parse(await readFile(file, 'utf8')));
};

test('a packed model is measured on what its training held back, with the same result', () =>
  withEvaluation(async (optMl) => {
    // Photos that came later; the training could not hold them back.
    await writePhotos(optMl.at(EVALUATION_INPUTS.train), { astilbe: 5 }, 40);
    const { result } = await run(optMl);
    const text = await readFile(trained.at(TRAINING_PATHS.output, 'metrics.json'), 'utf8');
    const { test: expected, version } = metricsSchema.parse(JSON.parse(text));
    const { multiclass_classification_metrics: figures, evaluation, result: words } = await reportOf(optMl);
    assert.equal(figures.accuracy.value, expected.accuracy);
    assert.match(words, new RegExp(`^${expected.correct} of 2 test photos, a share of [\\d.]+$`));
    assert.equal(evaluation.modelVersion, version);
    assert.deepEqual([evaluation.count, evaluation.correct], [expected.count, expected.correct]);
    assert.deepEqual(evaluation.interval, expected.interval);
    assert.deepEqual(evaluation.confusion, expected.confusion);
    assert.deepEqual(
      evaluation.classes.map(({ label, photos }) => [label, photos]),
      [
        ['astilbe', 1],
        ['bellflower', 1],
      ],
    );
    const [[right = 0] = []] = expected.confusion;
    assert.equal(figures.confusion_matrix['astilbe']?.['astilbe'], right);
    assert.equal(evaluation.missing, 0);
    assert.match(result, new RegExp(`^Model ${version} names ${expected.correct} of 2 test photos rightly`));
  }));

test('the photos may lie in either input', () =>
  withEvaluation(async (optMl) => {
    await rename(optMl.at(EVALUATION_INPUTS.train), optMl.at(EVALUATION_INPUTS.test));
    await run(optMl);
    assert.equal((await reportOf(optMl)).evaluation.count, 2);
  }));

test('photos that are gone are pluralize, and their class is named', () =>
  withEvaluation(async (optMl) => {
    const { test: hashes } = z
      .object({ test: z.array(z.string()) })
      .parse(JSON.parse(await readFile(trained.at(TRAINING_PATHS.model, PHOTOS_FILE), 'utf8')));
    assert.equal(hashes.length, 2);
    const folder = optMl.at(EVALUATION_INPUTS.train, 'bellflower');
    for (const name of await readdir(folder)) await rm(path.join(folder, name));
    await writePhotos(optMl.at(EVALUATION_INPUTS.train), { bellflower: 3 }, 40);
    const { log } = await run(optMl);
    assert.match(log, /Warning: of 2 test photos, 1 can no longer be found\./);
    assert.match(log, /Warning: there are no test photos of bellflower/);
    const { evaluation } = await reportOf(optMl);
    assert.deepEqual([evaluation.count, evaluation.missing], [1, 1]);
    assert.equal(evaluation.classes[1]?.recall, null);
  }));

/** Replaces the archive by one of the trained model with other files. */
const repack = async (optMl: OptMl, change: (model: string) => Promise<void>) => {
  const [archive, model] = [optMl.at(EVALUATION_INPUTS.model, MODEL_ARCHIVE), optMl.at('changed')];
  await mkdir(model);
  await extract({ file: archive, cwd: model });
  await change(model);
  await packModel(model, optMl.at(EVALUATION_INPUTS.model));
};

const REFUSED: Readonly<Record<string, { prepare: (optMl: OptMl) => Promise<unknown>; message: RegExp }>> = {
  'without an archive': {
    prepare: (optMl) => rm(optMl.at(EVALUATION_INPUTS.model, MODEL_ARCHIVE)),
    message: /There is no model\.tar\.gz in /,
  },
  'without photos': {
    prepare: (optMl) => rm(optMl.at(EVALUATION_INPUTS.train), { recursive: true }),
    message: /None of the 2 photos that the training held back/,
  },
  'with photos of another training': {
    prepare: async (optMl) => {
      await rm(optMl.at(EVALUATION_INPUTS.train), { recursive: true });
      await writePhotos(optMl.at(EVALUATION_INPUTS.train), PHOTOS, 40);
    },
    message: /None of the 2 photos .* Give the evaluation the photos of the training's channels/,
  },
  'with other classes': {
    prepare: (optMl) =>
      rename(optMl.at(EVALUATION_INPUTS.train, 'bellflower'), optMl.at(EVALUATION_INPUTS.train, 'harebell')),
    message: /it knows astilbe, bellflower, but not harebell/,
  },
  'of a training that was stopped': {
    prepare: (optMl) =>
      repack(optMl, (model) => rm(path.join(model, 'image-classifier'), { recursive: true })),
    message: /found none\. Was the training stopped/,
  },
  'of an archive that does not say what it was tested on': {
    prepare: (optMl) => repack(optMl, (model) => rm(path.join(model, PHOTOS_FILE))),
    message: /holds no photos\.json/,
  },
  'of a training that held nothing back': {
    prepare: (optMl) =>
      repack(optMl, (model) =>
        writeFiles(model, { [PHOTOS_FILE]: jsonText({ train: ['x'], validation: [], test: [] }) }),
      ),
    message: /None of the 0 photos/,
  },
};

for (const [name, { prepare, message }] of Object.entries(REFUSED)) {
  test(`an evaluation ${name} is refused, and no report is written`, () =>
    withEvaluation(async (optMl) => {
      await prepare(optMl);
      await assert.rejects(run(optMl), { message });
      await assert.rejects(readdir(optMl.at(EVALUATION_OUTPUT.path)), { code: 'ENOENT' });
    }));
}
