import { loadBackend } from '../../backend/backend.ts';
import { EVALUATION_INPUTS, EVALUATION_OUTPUT, MODEL_ARCHIVE } from '../../contract/sagemaker-jobs.ts';
import { evaluate, interruptible, savedModelPredictFn } from '../../evaluation/evaluate.ts';
import { pluralize } from '../../shared/text.ts';
import { holdsArchive, withArchive } from '../archive.ts';
import { jsonText, writeFiles } from '../files.ts';
import type { OptMl } from '../opt-ml.ts';
import { readPhotosFile } from '../photos-file.ts';
import { classesOf, loadPackedModel } from './model.ts';
import { detailedReport } from './report.ts';
import { type NamedPhoto, readTestPhotos } from './test-photos.ts';

export interface EvaluateJobOptions {
  readonly optMl: OptMl;
  /** Aborted, it ends the job. */
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** The photos numbered as the model numbers its classes. */
const asTheModelCounts = (photos: readonly NamedPhoto[], labels: readonly string[]) => {
  const unknown = [...new Set(photos.map(({ name }) => name))].filter((name) => !labels.includes(name));
  if (unknown.length > 0) {
    throw new Error(
      `The test photos are of other classes than the model: it knows ${labels.join(', ')}, but not ${unknown.join(', ')}. Give it the photos of its own training.`,
    );
  }
  return photos.map(({ photo, name }) => ({ ...photo, label: labels.indexOf(name) }));
};

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

/**
 * The evaluation job of the learning image: measures a packed model, as it would be served, on the photos that its
 * training held back, and writes the report that decides whether it is deployed.
 *
 * @returns the result in a sentence
 * @throws Error whose message says what to do
 */
export const runEvaluateJob = async ({ optMl, signal, say }: EvaluateJobOptions): Promise<string> => {
  const input = optMl.at(EVALUATION_INPUTS.model);
  if (!(await holdsArchive(input))) {
    throw new Error(
      `There is no ${MODEL_ARCHIVE} in ${input}. Give the evaluation the model that a training job stored.`,
    );
  }
  const backend = await loadBackend();
  say(`Computing on ${backend.reason}.`);
  return withArchive(input, async (unpacked) => {
    const seen = await readPhotosFile(unpacked);
    const { version, runner } = await loadPackedModel(unpacked);
    const { photos, missing } = await readTestPhotos(optMl, seen, { say, warn: say, signal });
    if (missing > 0)
      say(`Warning: of ${pluralize(seen.test.length, 'test photo')}, ${missing} can no longer be found.`);
    const labels = await classesOf(runner);
    const examples = asTheModelCounts(photos, labels);
    const untested = labels.filter((_, label) => !examples.some((example) => example.label === label));
    if (untested.length > 0) say(`Warning: there are no test photos of ${untested.join(', ')}.`);
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
    await writeFiles(optMl.at(EVALUATION_OUTPUT.path), { [EVALUATION_OUTPUT.file]: jsonText(report) });
    const [low, high] = report.evaluation.interval;
    return `Model ${version} names ${evaluation.correct} of ${evaluation.count} test photos rightly: ${percent(evaluation.accuracy)} (95 % interval ${percent(low)} to ${percent(high)}).`;
  });
};
