import type { PretrainedRole } from '../../learn/trained-network.ts';
import type { Hyperparameters } from './hyperparameters.ts';

/** Set by SageMaker. */
const JOB_NAME = 'TRAINING_JOB_NAME';

/** For the model card: which job it was, and what to type to train alike on another machine. */
export const commandLine = (
  { epochs, batchSize, learningRate, patience, balanced, seed }: Hyperparameters,
  pretrainedRole: PretrainedRole | undefined,
  environment: NodeJS.ProcessEnv,
): string => {
  const options = {
    ...(pretrainedRole && { [pretrainedRole]: 'DIR' }),
    epochs,
    'batch-size': batchSize,
    'learning-rate': learningRate,
    patience,
    seed,
  };
  const typed = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${value}`],
  );
  return [
    `# The SageMaker training job ${environment[JOB_NAME] ?? '(without a name)'}; on another machine:`,
    ['npm run train -- --data DIR', ...typed, ...(balanced ? ['--balanced'] : [])].join(' '),
  ].join('\n');
};
