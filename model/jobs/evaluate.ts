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
import { progressReporter } from '../shared/progress.ts';
import { percent, pluralize } from '../shared/text.ts';
import { withArchive } from './archive.ts';
import type { ContainerPaths } from './container.ts';

/**
 * @param directory an unpacked model archive
 * @returns its SavedModel, as it will be served, and its version
 * @throws Error if it contains no model, or several
 */
export const loadPackedModel = async (directory: string) => {
  const entries = await readdirIfExists(path.join(directory, MODEL_NAME));
  const versions = entries.map(({ name }) => name).filter((name) => /^\d+$/.test(name));
  const [version, ...others] = versions;
  if (version === undefined || others.length > 0) {
    throw new Error(
      `The model's archive must contain exactly one ${MODEL_NAME}/<version>/saved_model.pb; found ${versions.join(', ') || 'none'}. Was the training stopped early?`,
    );
  }
  const bytes = await readFile(path.join(directory, MODEL_NAME, version, 'saved_model.pb'));
  return { version, runner: new GraphRunner(decodeSavedModel(bytes)) };
};

/** A model's classes, in the order of its probabilities, from one of its answers. */
const readClasses = async (runner: GraphRunner): Promise<string[]> => {
  const black = new Uint8Array(PHOTO_BYTES);
  const answer = await runner.run(new Map([[INPUT_NAME, { shape: [1], values: [black] }]]));
  const output = answer.get(OUTPUT_NAMES.classes);
  if (!output || !('strings' in output))
    throw new Error("The model's outputs do not include its classes: it was not created by this training.");
  return output.strings.map((name) => new TextDecoder().decode(name));
};

/** The confusion matrix by class names, in the format of SageMaker's model registry ("Model quality metrics"). */
const namedConfusion = (labels: readonly string[], confusion: Evaluation['confusion']) =>
  Object.fromEntries(
    labels.map((truth, row) => [
      truth,
      Object.fromEntries(labels.map((answer, column) => [answer, confusion[row]?.[column] ?? 0])),
    ]),
  );

export interface EvaluateJobOptions {
  readonly container: ContainerPaths;
  /** Ends the job. */
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/**
 * The photos in the inputs `test` and `train` that the training held out, labelled with the model's class indices,
 * which may differ from the order of the folders.
 *
 * @param held hashes of the held-out photos
 * @throws Error if there are none, or some belong to other classes
 */
const readTestPhotos = async (
  { container, signal, log }: EvaluateJobOptions,
  held: readonly string[],
  classes: readonly string[],
): Promise<Example[]> => {
  const byContent = new Map<string, Example & { readonly name: string }>();
  // If the inputs disagree about a photo's class, `test` wins.
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
      `None of the ${pluralize(held.length, 'photo')} that the training held out for the test are in ${container.at(EVALUATION_INPUTS.train)} or ${container.at(EVALUATION_INPUTS.test)}. The evaluation needs the photos of the training's channels.`,
    );
  }
  const unknown = new Set(photos.filter(({ label }) => label < 0).map(({ name }) => name));
  if (unknown.size > 0) {
    throw new Error(
      `The test photos have classes that the model does not know (${[...unknown].join(', ')}); it knows ${classes.join(', ')}. The evaluation needs the photos of the training.`,
    );
  }
  return photos;
};

/**
 * The evaluation job of the learning image: evaluates a packed model, as it would be served, on the photos that its
 * training held out, and writes the report that decides whether it is deployed.
 *
 * @returns the result as a sentence
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
      log(`Warning: ${missing} of ${pluralize(held.length, 'test photo')} can no longer be found.`);
    const untested = labels.filter((_, label) => !photos.some((photo) => photo.label === label));
    if (untested.length > 0) log(`Warning: there are no test photos of ${untested.join(', ')}.`);
    const started = performance.now();
    const pixels = photos.map((photo) => photo.pixels);
    const onProgress = progressReporter(log);
    let done = 0;
    const answers = await predictPhotos(runner, pixels, signal, (more) => {
      done += more;
      onProgress('Evaluating, photos', done, pixels.length);
    });
    const probabilities = answers.map((answer) => answer.probabilities);
    const evaluation = compare(probabilities, labels.length, photos);
    const { accuracy, correct, count, confusion } = evaluation;
    const interval = wilsonInterval(correct, count);
    const { multiclass_classification_metrics: figures, ...words } = evaluationReport(evaluation);
    // For the pipeline and the model registry, and additional figures for people.
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
    `There is no ${MODEL_ARCHIVE} in ${input}. The evaluation needs the model archive of a training job.`,
  );
};
