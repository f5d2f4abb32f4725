import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { loadBackend } from '../backend/backend.ts';
import {
  EVALUATION_INPUTS,
  EVALUATION_OUTPUT,
  evaluationReport,
  MODEL_ARCHIVE,
} from '../contract/sagemaker-jobs.ts';
import { INPUT_NAME, MODEL_NAME, OUTPUT_NAMES, PHOTO_BYTES } from '../contract/tensors.ts';
import { containsPhotos } from '../data/class-folders.ts';
import { type Example, readLoggedDataset } from '../data/dataset.ts';
import { readSplitManifest } from '../data/split.ts';
import { compare, type Evaluation, predictPhotos } from '../evaluation/evaluate.ts';
import { wilsonInterval } from '../evaluation/statistics.ts';
import { decodeSavedModel } from '../savedmodel/file.ts';
import { GraphRunner } from '../savedmodel/run.ts';
import { jsonText, readdirIfExists, writeFiles } from '../shared/files.ts';
import { percent, pluralize } from '../shared/text.ts';
import { withArchive } from './archive.ts';
import type { ContainerPaths } from './container.ts';

/**
 * @param directory an unpacked model archive
 * @returns its SavedModel, as it will be served, and the name of its folder: digits
 * @throws Error when it holds no model, or several
 */
export const loadPackedModel = async (directory: string) => {
  const entries = await readdirIfExists(path.join(directory, MODEL_NAME));
  const versions = entries.map(({ name }) => name).filter((name) => /^\d+$/.test(name));
  const [version, ...others] = versions;
  if (version === undefined || others.length > 0) {
    throw new Error(
      `The model's archive must hold one ${MODEL_NAME}/<version>/saved_model.pb; found ${versions.join(', ') || 'none'}. Was the training stopped before its end?`,
    );
  }
  const bytes = await readFile(path.join(directory, MODEL_NAME, version, 'saved_model.pb'));
  return { version, runner: new GraphRunner(decodeSavedModel(bytes)) };
};

/** The classes of a model, in the order of its probabilities; they come with each answer. */
const readClasses = async (runner: GraphRunner): Promise<string[]> => {
  const black = new Uint8Array(PHOTO_BYTES);
  const answer = await runner.run(new Map([[INPUT_NAME, { shape: [1], values: [black] }]]));
  const output = answer.get(OUTPUT_NAMES.classes);
  if (!output || !('strings' in output))
    throw new Error(
      'The model does not have its classes among its outputs: it was not made by this training.',
    );
  return output.strings.map((name) => new TextDecoder().decode(name));
};

/** By the names of truth and answer, as SageMaker's model registry shows it ("Model quality metrics"). */
const namedConfusion = (labels: readonly string[], confusion: Evaluation['confusion']) =>
  Object.fromEntries(
    labels.map((truth, row) => [
      truth,
      Object.fromEntries(labels.map((answer, column) => [answer, confusion[row]?.[column] ?? 0])),
    ]),
  );

export interface EvaluateJobOptions {
  readonly container: ContainerPaths;
  /** Aborted, it ends the job. */
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/**
 * The photos of the inputs `test` and `train` that the training held out, and no others, labelled by the model's numbers
 * of the classes: folders may have others.
 *
 * @param held hashes of those photos
 * @throws Error when there are none, or some are of other classes
 */
const readTestPhotos = async (
  { container, signal, log }: EvaluateJobOptions,
  held: readonly string[],
  classes: readonly string[],
): Promise<Example[]> => {
  const byContent = new Map<string, Example & { readonly name: string }>();
  // The input `test` counts where the two disagree about a photo's class.
  for (const input of ['train', 'test'] as const) {
    const directory = container.at(EVALUATION_INPUTS[input]);
    if (!(await containsPhotos(directory))) continue;
    const options = { name: `input ${input}`, log, warn: log, signal };
    const { labels, examples } = await readLoggedDataset(directory, options);
    for (const photo of examples) {
      const name = labels[photo.label] ?? '';
      byContent.set(photo.content, { ...photo, name, label: classes.indexOf(name) });
    }
  }
  const photos = held.flatMap((content) => byContent.get(content) ?? []);
  if (photos.length === 0) {
    throw new Error(
      `None of the ${pluralize(held.length, 'photo')} that the training held out for the test are in ${container.at(EVALUATION_INPUTS.train)} or ${container.at(EVALUATION_INPUTS.test)}. Give the evaluation the photos of the training's channels.`,
    );
  }
  const unknown = new Set(photos.filter(({ label }) => label < 0).map(({ name }) => name));
  if (unknown.size > 0) {
    throw new Error(
      `The test photos are of other classes than the model: it knows ${classes.join(', ')}, but not ${[...unknown].join(', ')}. Give it the photos of its own training.`,
    );
  }
  return photos;
};

/**
 * The evaluation job of the learning image: measures a packed model, as it would be served, on the photos that its
 * training held out, and writes the report that decides whether it is deployed.
 *
 * @returns the result in a sentence
 * @throws Error whose message says what to do
 */
export const runEvaluateJob = async (options: EvaluateJobOptions): Promise<string> => {
  const { container, signal, log } = options;
  const input = container.at(EVALUATION_INPUTS.model);
  const backend = await loadBackend();
  log(`Computing on ${backend.reason}.`);
  const sentence = await withArchive(input, async (unpacked) => {
    const { test: held } = await readSplitManifest(unpacked);
    const { version, runner } = await loadPackedModel(unpacked);
    const labels = await readClasses(runner);
    const photos = await readTestPhotos(options, held, labels);
    const missing = held.length - photos.length;
    if (missing > 0)
      log(`Warning: of ${pluralize(held.length, 'test photo')}, ${missing} can no longer be found.`);
    const untested = labels.filter((_, label) => !photos.some((photo) => photo.label === label));
    if (untested.length > 0) log(`Warning: there are no test photos of ${untested.join(', ')}.`);
    const started = performance.now();
    const pixels = photos.map((photo) => photo.pixels);
    const answers = await predictPhotos(runner, pixels, signal);
    const probabilities = answers.map((answer) => answer.probabilities);
    const evaluation = compare(probabilities, labels.length, photos);
    const { accuracy, correct, count, confusion } = evaluation;
    const interval = wilsonInterval(correct, count);
    const { multiclass_classification_metrics: figures, ...words } = evaluationReport(evaluation);
    // What the pipeline and the model registry read, and beside it what a person wants to know.
    const report = {
      ...words,
      multiclass_classification_metrics: { ...figures, confusion_matrix: namedConfusion(labels, confusion) },
      evaluation: {
        ...evaluation,
        ...{ modelVersion: version, labels, interval, missing, backend: backend.reason },
        photosPerSecond: (1000 * count) / (performance.now() - started),
      },
    };
    await writeFiles(container.at(EVALUATION_OUTPUT.path), { [EVALUATION_OUTPUT.file]: jsonText(report) });
    const [low, high] = interval;
    return `Model ${version} classifies ${correct} of ${count} test photos correctly: ${percent(accuracy)} (95 % interval ${percent(low)} to ${percent(high)}).`;
  });
  if (sentence !== undefined) return sentence;
  throw new Error(
    `There is no ${MODEL_ARCHIVE} in ${input}. Give the evaluation the model that a training job stored.`,
  );
};
