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
import { type Example, type LoggedReadOptions, readLoggedDataset } from '../data/dataset.ts';
import { readSplitManifest, type SplitManifest } from '../data/split.ts';
import { type Evaluation, evaluate, interruptible, savedModelPredictFn } from '../evaluation/evaluate.ts';
import { wilsonInterval } from '../evaluation/statistics.ts';
import { decodeSavedModel } from '../savedmodel/file.ts';
import { GraphRunner } from '../savedmodel/run.ts';
import { jsonText, readdirIfExists, writeFiles } from '../shared/files.ts';
import { percent, pluralize } from '../shared/text.ts';
import { containsArchive, withArchive } from './archive.ts';
import type { ContainerPaths } from './container.ts';

/** The SavedModel of an archive, as it will be served. */
interface PackedModel {
  /** The name of its folder: digits. */
  readonly version: string;
  readonly runner: GraphRunner;
}

/**
 * @param directory an unpacked model archive
 * @throws Error when it holds no model, or several
 */
export const loadPackedModel = async (directory: string): Promise<PackedModel> => {
  const entries = await readdirIfExists(path.join(directory, MODEL_NAME));
  const versions = entries.map(({ name }) => name).filter((name) => /^\d+$/.test(name));
  const [version, ...others] = versions;
  if (version === undefined || others.length > 0) {
    throw new Error(
      `The model's archive must hold one ${MODEL_NAME}/<version>/saved_model.pb; found ${versions.length === 0 ? 'none' : versions.join(', ')}. Was the training stopped before its end?`,
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

interface EvaluationReportInput {
  readonly modelVersion: string;
  readonly labels: readonly string[];
  readonly evaluation: Evaluation;
  /** Test photos that are no longer there. */
  readonly missing: number;
  readonly backend: string;
  readonly seconds: number;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const ratio = (part: number, whole: number) => (whole === 0 ? null : part / whole);

/** Figures of one class; null where it has no photos, or was never the answer. */
const perClass = (labels: readonly string[], confusion: Evaluation['confusion']) =>
  labels.map((label, index) => {
    const row = confusion[index] ?? [];
    const correct = row[index] ?? 0;
    const answered = sum(confusion.map((counts) => counts[index] ?? 0));
    return {
      label,
      photos: sum(row),
      correct,
      recall: ratio(correct, sum(row)),
      precision: ratio(correct, answered),
    };
  });

/** By the names of truth and answer, as SageMaker's model registry shows it ("Model quality metrics"). */
const namedConfusion = (labels: readonly string[], confusion: Evaluation['confusion']) =>
  Object.fromEntries(
    labels.map((truth, row) => [
      truth,
      Object.fromEntries(labels.map((answer, column) => [answer, confusion[row]?.[column] ?? 0])),
    ]),
  );

/** What the pipeline and the model registry read, and beside it what a person wants to know. */
const detailedReport = ({
  modelVersion,
  labels,
  evaluation,
  missing,
  backend,
  seconds,
}: EvaluationReportInput) => {
  const { accuracy, correct, count, loss, confusion } = evaluation;
  const { multiclass_classification_metrics: figures, ...words } = evaluationReport(evaluation);
  return {
    ...words,
    multiclass_classification_metrics: { ...figures, confusion_matrix: namedConfusion(labels, confusion) },
    evaluation: {
      modelVersion,
      labels,
      count,
      correct,
      accuracy,
      /** 95 % Wilson score interval of the accuracy. */
      interval: wilsonInterval(correct, count),
      loss,
      classes: perClass(labels, confusion),
      /** `confusion[truth][answer]` */
      confusion,
      missing,
      backend,
      photosPerSecond: count / seconds,
    },
  };
};

/** A photo with the name of its class: folders may have other numbers. */
interface NamedPhoto {
  readonly photo: Example;
  readonly name: string;
}

interface TestPhotos {
  readonly photos: readonly NamedPhoto[];
  /** How many of the photos that the training held out are no longer there. */
  readonly missing: number;
}

/**
 * The photos of the inputs `test` and `train` that the training held out, and no others.
 *
 * @throws Error when there are none
 */
const readTestPhotos = async (
  container: ContainerPaths,
  { test }: SplitManifest,
  options: Omit<LoggedReadOptions, 'name'>,
): Promise<TestPhotos> => {
  const byContent = new Map<string, NamedPhoto>();
  // The input `test` counts where the two disagree about a photo's class.
  for (const input of ['train', 'test'] as const) {
    const directory = container.at(EVALUATION_INPUTS[input]);
    if (!(await containsPhotos(directory))) continue;
    const { labels, examples } = await readLoggedDataset(directory, { ...options, name: `input ${input}` });
    for (const photo of examples) byContent.set(photo.content, { photo, name: labels[photo.label] ?? '' });
  }
  const photos = test.flatMap((content) => byContent.get(content) ?? []);
  if (photos.length === 0) {
    throw new Error(
      `None of the ${pluralize(test.length, 'photo')} that the training held out for the test are in ${container.at(EVALUATION_INPUTS.train)} or ${container.at(EVALUATION_INPUTS.test)}. Give the evaluation the photos of the training's channels.`,
    );
  }
  return { photos, missing: test.length - photos.length };
};

export interface EvaluateJobOptions {
  readonly container: ContainerPaths;
  /** Aborted, it ends the job. */
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** The photos, labelled by the model's numbers of the classes. */
const relabel = (photos: readonly NamedPhoto[], labels: readonly string[]) => {
  const unknown = [...new Set(photos.map(({ name }) => name))].filter((name) => !labels.includes(name));
  if (unknown.length > 0) {
    throw new Error(
      `The test photos are of other classes than the model: it knows ${labels.join(', ')}, but not ${unknown.join(', ')}. Give it the photos of its own training.`,
    );
  }
  return photos.map(({ photo, name }) => ({ ...photo, label: labels.indexOf(name) }));
};

/**
 * The evaluation job of the learning image: measures a packed model, as it would be served, on the photos that its
 * training held out, and writes the report that decides whether it is deployed.
 *
 * @returns the result in a sentence
 * @throws Error whose message says what to do
 */
export const runEvaluateJob = async ({ container, signal, log }: EvaluateJobOptions): Promise<string> => {
  const input = container.at(EVALUATION_INPUTS.model);
  if (!(await containsArchive(input))) {
    throw new Error(
      `There is no ${MODEL_ARCHIVE} in ${input}. Give the evaluation the model that a training job stored.`,
    );
  }
  const backend = await loadBackend();
  log(`Computing on ${backend.reason}.`);
  return withArchive(input, async (unpacked) => {
    const seen = await readSplitManifest(unpacked);
    const { version, runner } = await loadPackedModel(unpacked);
    const { photos, missing } = await readTestPhotos(container, seen, { log, warn: log, signal });
    if (missing > 0)
      log(`Warning: of ${pluralize(seen.test.length, 'test photo')}, ${missing} can no longer be found.`);
    const labels = await readClasses(runner);
    const examples = relabel(photos, labels);
    const untested = labels.filter((_, label) => !examples.some((example) => example.label === label));
    if (untested.length > 0) log(`Warning: there are no test photos of ${untested.join(', ')}.`);
    const started = performance.now();
    const predict = interruptible(savedModelPredictFn(runner), signal, 'while the model was measured');
    const evaluation = await evaluate(predict, labels.length, examples);
    const report = detailedReport({
      modelVersion: version,
      labels,
      evaluation,
      missing,
      backend: backend.reason,
      seconds: (performance.now() - started) / 1000,
    });
    await writeFiles(container.at(EVALUATION_OUTPUT.path), { [EVALUATION_OUTPUT.file]: jsonText(report) });
    const [low, high] = report.evaluation.interval;
    return `Model ${version} classifies ${evaluation.correct} of ${evaluation.count} test photos correctly: ${percent(evaluation.accuracy)} (95 % interval ${percent(low)} to ${percent(high)}).`;
  });
};
