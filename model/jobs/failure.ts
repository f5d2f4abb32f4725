import { TRAINING_PATHS } from '../contract/sagemaker-jobs.ts';
import { writeFiles } from './files.ts';
import type { OptMl } from './opt-ml.ts';

/** Where in the code it happened, without the message that leads it. */
const framesOf = ({ stack = '' }: Error): string => {
  const start = stack.indexOf('\n    at ');
  return start < 0 ? '' : stack.slice(start);
};

/**
 * Tells SageMaker why a training job failed: it shows the first 1024 characters. The message comes first; where in the
 * code it happened is for whoever reads on.
 */
export const writeFailure = async (optMl: OptMl, error: unknown): Promise<void> => {
  const text = error instanceof Error ? `${error.message}\n${framesOf(error)}` : String(error);
  await writeFiles(optMl.root, { [TRAINING_PATHS.failure]: `${text}\n` });
};
