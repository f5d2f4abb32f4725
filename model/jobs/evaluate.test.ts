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
  evaluation: z.looseObject({ labels: z.array(z.string()), count: z.int() }),
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
    const { evaluation, ...report } = await reportOf(container);
    const { accuracy, confusion_matrix: matrix } = report.multiclass_classification_metrics;
    assert.equal(accuracy.value, expected.accuracy);
    assert.match(report.result, new RegExp(`^${expected.correct} of 2 test photos, a share of [\\d.]+$`));
    const { loss, ...counted } = expected;
    assert.deepEqual({ ...evaluation, ...counted, modelVersion: version, missing: 0 }, evaluation);
    assert.deepEqual(evaluation.labels, ['astilbe', 'bellflower']);
    const [[right = 0] = []] = expected.confusion;
    assert.equal(matrix['astilbe']?.['astilbe'], right);
    assert.ok(
      result.startsWith(`Model ${version} classifies ${expected.correct} of 2 test photos correctly`),
    );
  }));

test('photos that are gone are counted, and their class is named', () =>
  withEvaluation(async (container) => {
    // The photos may be in either input.
    const input = container.at(EVALUATION_INPUTS.test);
    await rename(container.at(EVALUATION_INPUTS.train), input);
    await rm(path.join(input, 'bellflower'), { recursive: true });
    await writePhotos(input, { bellflower: 3 }, 40);
    const { log } = await run(container);
    assert.match(log, /Warning: 1 of 2 test photos can no longer be found\./);
    assert.match(log, /Warning: there are no test photos of bellflower/);
    const { evaluation } = await reportOf(container);
    assert.deepEqual([evaluation.count, evaluation['missing']], [1, 1]);
  }));

/** Replaces the archive by one of the trained model with other files. */
const repack = async (container: ContainerPaths, change: (model: string) => Promise<void>) => {
  const [archive, model] = [container.at(EVALUATION_INPUTS.model, MODEL_ARCHIVE), container.at('changed')];
  await mkdir(model);
  await extract({ file: archive, cwd: model });
  await change(model);
  await packModel(model, container.at(EVALUATION_INPUTS.model));
};

const REFUSED: readonly (readonly [
  what: string,
  message: RegExp,
  prepare: (container: ContainerPaths) => Promise<unknown>,
])[] = [
  [
    'with photos of another training',
    /None of the 2 photos .* The evaluation needs the photos of the training's channels/,
    async (container) => {
      await rm(container.at(EVALUATION_INPUTS.train), { recursive: true });
      await writePhotos(container.at(EVALUATION_INPUTS.train), PHOTOS, 40);
    },
  ],
  [
    'with other classes',
    /does not know \(harebell\); it knows astilbe, bellflower/,
    (container) => {
      const at = (name: string) => container.at(EVALUATION_INPUTS.train, name);
      return rename(at('bellflower'), at('harebell'));
    },
  ],
  [
    'of a training that was stopped',
    /found none\. Was the training stopped/,
    (container) =>
      repack(container, (model) => rm(path.join(model, 'image-classifier'), { recursive: true })),
  ],
  [
    'of an archive that does not say what it was tested on',
    /has no photos\.json/,
    (container) => repack(container, (model) => rm(path.join(model, PHOTOS_FILE))),
  ],
  [
    'without a model',
    /^There is no model\.tar\.gz in /,
    (container) => rm(container.at(EVALUATION_INPUTS.model, MODEL_ARCHIVE)),
  ],
];

for (const [what, message, prepare] of REFUSED)
  test(`an evaluation ${what} is refused, and no report is written`, () =>
    withEvaluation(async (container) => {
      await prepare(container);
      await assert.rejects(run(container), { message });
      await assert.rejects(readdir(container.at(EVALUATION_OUTPUT.path)), { code: 'ENOENT' });
    }));
