import assert from 'node:assert/strict';
import { copyFile, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { extract } from 'tar';
import { z } from 'zod';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import {
  EVALUATION_INPUTS,
  EVALUATION_OUTPUT,
  MODEL_ARCHIVE,
  PHOTOS_FILE,
  TRAINING_PATHS,
} from '../contract/sagemaker-jobs.ts';
import { metricsSchema } from '../evaluation/metrics.ts';
import { jsonText, writeFiles } from '../shared/files.ts';
import { ContainerPaths } from './container.ts';
import { runEvaluateJob } from './evaluate.ts';
import { packModel, withContainer, writeInputs, writePhotos } from './test-jobs.ts';
import { runTrainJob } from './train.ts';

const PHOTOS = { astilbe: 6, bellflower: 6 };

/** Where a model was trained on {@link PHOTOS}. */
const trained = new ContainerPaths(temporaryFolder({ after }));
before(async () => {
  await writeInputs(trained, { train: PHOTOS, hyperparameters: { epochs: '2' } });
  const signal = new AbortController().signal;
  await runTrainJob({ container: trained, environment: {}, signal, log: () => {} });
  await packModel(trained.at(TRAINING_PATHS.model), trained.at('packed'));
});

const run = async (container: ContainerPaths) => {
  const lines: string[] = [];
  const signal = new AbortController().signal;
  const result = await runEvaluateJob({ container, signal, log: (line) => lines.push(line) });
  return { result, log: lines.join('\n') };
};

const withEvaluation = (work: (container: ContainerPaths) => Promise<void>) =>
  withContainer(async (container) => {
    await mkdir(container.at(EVALUATION_INPUTS.model), { recursive: true });
    const archive = container.at(EVALUATION_INPUTS.model, MODEL_ARCHIVE);
    await copyFile(trained.at('packed', MODEL_ARCHIVE), archive);
    await writePhotos(container.at(EVALUATION_INPUTS.train), PHOTOS);
    await work(container);
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

const reportOf = async (container: ContainerPaths) => {
  const file = container.at(EVALUATION_OUTPUT.path, EVALUATION_OUTPUT.file);
  return reportSchema.parse(JSON.parse(await readFile(file, 'utf8')));
};

test('a packed model is measured on what its training held out, with the same result', () =>
  withEvaluation(async (container) => {
    // Photos that came later; the training could not hold them out.
    await writePhotos(container.at(EVALUATION_INPUTS.train), { astilbe: 5 }, 40);
    const { result } = await run(container);
    const text = await readFile(trained.at(TRAINING_PATHS.output, 'metrics.json'), 'utf8');
    const { test: expected, version } = metricsSchema.parse(JSON.parse(text));
    const report = await reportOf(container);
    const { multiclass_classification_metrics: figures, evaluation } = report;
    assert.equal(figures.accuracy.value, expected.accuracy);
    assert.match(report.result, new RegExp(`^${expected.correct} of 2 test photos, a share of [\\d.]+$`));
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
    assert.match(
      result,
      new RegExp(`^Model ${version} classifies ${expected.correct} of 2 test photos correctly`),
    );
  }));

test('the photos may be in either input', () =>
  withEvaluation(async (container) => {
    await rename(container.at(EVALUATION_INPUTS.train), container.at(EVALUATION_INPUTS.test));
    await run(container);
    assert.equal((await reportOf(container)).evaluation.count, 2);
  }));

test('photos that are gone are counted, and their class is named', () =>
  withEvaluation(async (container) => {
    const { test: hashes } = z
      .object({ test: z.array(z.string()) })
      .parse(JSON.parse(await readFile(trained.at(TRAINING_PATHS.model, PHOTOS_FILE), 'utf8')));
    assert.equal(hashes.length, 2);
    const folder = container.at(EVALUATION_INPUTS.train, 'bellflower');
    for (const name of await readdir(folder)) await rm(path.join(folder, name));
    await writePhotos(container.at(EVALUATION_INPUTS.train), { bellflower: 3 }, 40);
    const { log } = await run(container);
    assert.match(log, /Warning: of 2 test photos, 1 can no longer be found\./);
    assert.match(log, /Warning: there are no test photos of bellflower/);
    const { evaluation } = await reportOf(container);
    assert.deepEqual([evaluation.count, evaluation.missing], [1, 1]);
    assert.equal(evaluation.classes[1]?.recall, null);
  }));

/** Replaces the archive by one of the trained model with other files. */
const repack = async (container: ContainerPaths, change: (model: string) => Promise<void>) => {
  const [archive, model] = [container.at(EVALUATION_INPUTS.model, MODEL_ARCHIVE), container.at('changed')];
  await mkdir(model);
  await extract({ file: archive, cwd: model });
  await change(model);
  await packModel(model, container.at(EVALUATION_INPUTS.model));
};

const REFUSED: Readonly<
  Record<string, { prepare: (container: ContainerPaths) => Promise<unknown>; message: RegExp }>
> = {
  'without an archive': {
    prepare: (container) => rm(container.at(EVALUATION_INPUTS.model, MODEL_ARCHIVE)),
    message: /There is no model\.tar\.gz in /,
  },
  'without photos': {
    prepare: (container) => rm(container.at(EVALUATION_INPUTS.train), { recursive: true }),
    message: /None of the 2 photos that the training held out/,
  },
  'with photos of another training': {
    prepare: async (container) => {
      await rm(container.at(EVALUATION_INPUTS.train), { recursive: true });
      await writePhotos(container.at(EVALUATION_INPUTS.train), PHOTOS, 40);
    },
    message: /None of the 2 photos .* Give the evaluation the photos of the training's channels/,
  },
  'with other classes': {
    prepare: (container) =>
      rename(
        container.at(EVALUATION_INPUTS.train, 'bellflower'),
        container.at(EVALUATION_INPUTS.train, 'harebell'),
      ),
    message: /it knows astilbe, bellflower, but not harebell/,
  },
  'of a training that was stopped': {
    prepare: (container) =>
      repack(container, (model) => rm(path.join(model, 'image-classifier'), { recursive: true })),
    message: /found none\. Was the training stopped/,
  },
  'of an archive that does not say what it was tested on': {
    prepare: (container) => repack(container, (model) => rm(path.join(model, PHOTOS_FILE))),
    message: /holds no photos\.json/,
  },
  'of a training that held nothing out': {
    prepare: (container) =>
      repack(container, (model) =>
        writeFiles(model, { [PHOTOS_FILE]: jsonText({ train: ['x'], validation: [], test: [] }) }),
      ),
    message: /None of the 0 photos/,
  },
};

for (const [name, { prepare, message }] of Object.entries(REFUSED)) {
  test(`an evaluation ${name} is refused, and no report is written`, () =>
    withEvaluation(async (container) => {
      await prepare(container);
      await assert.rejects(run(container), { message });
      await assert.rejects(readdir(container.at(EVALUATION_OUTPUT.path)), { code: 'ENOENT' });
    }));
}
