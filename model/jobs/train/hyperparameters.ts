import { z } from 'zod';
import { HYPERPARAMETERS } from '../../contract/sagemaker-jobs.ts';
import type { PretrainedRole } from '../../learn/trained-network.ts';
import { readIfThere } from '../files.ts';

/** What a person may set beside what the pipelines pass. */
const MORE = {
  seed: 'seed',
  /** Epochs without a lower validation loss after which the training ends; 0: never. */
  patience: 'patience',
  /** Count photos of rare classes for more. */
  balanced: 'balanced',
  /** Filters of the network's stem and, separated by commas, of its blocks; an earlier model brings its own. */
  stem: 'stem',
  blocks: 'blocks',
  /** Side, in pixels, of the photos at the first epoch; they grow to 224. */
  firstSide: 'first-side',
  /** What the network of the channel `pretrained` is: `backbone`, under a head that is trained, or `teacher`. */
  pretrainedRole: 'pretrained-as',
} as const;

const KEYS = { ...HYPERPARAMETERS, ...MORE };

const PATIENCE = 10;
const SMALLEST_SIDE = 32;

/** A number in any notation of JavaScript's, `1.0E-4` included; nothing is no number. */
const number = (text: string) => (text.trim() === '' ? Number.NaN : Number(text));

const whole = (least: number) =>
  z
    .string()
    .transform(number)
    .refine((value) => Number.isSafeInteger(value) && value >= least, `a whole number of at least ${least}`);

const schema = z.object({
  [KEYS.epochs]: whole(1).optional(),
  [KEYS.batchSize]: whole(1).optional(),
  [KEYS.learningRate]: z
    .string()
    .transform(number)
    .refine((value) => Number.isFinite(value) && value > 0, 'a number above 0')
    .optional(),
  // TensorFlow.js takes a seed of 0 for none.
  [KEYS.seed]: whole(1).default(1),
  [KEYS.patience]: whole(0).default(PATIENCE),
  [KEYS.balanced]: z
    .string()
    .refine((text) => text === 'true' || text === 'false', 'true or false')
    .transform((text) => text === 'true')
    .default(false),
  [KEYS.stem]: whole(1).optional(),
  [KEYS.blocks]: z
    .string()
    .transform((text) => text.split(',').map(number))
    .refine((list) => list.every((value) => Number.isSafeInteger(value) && value > 0), 'a list such as 48,96')
    .optional(),
  [KEYS.firstSide]: whole(SMALLEST_SIDE).optional(),
  [KEYS.pretrainedRole]: z.enum(['backbone', 'teacher'], 'backbone or teacher').default('backbone'),
});

export interface Hyperparameters {
  /** Absent: the training's own defaults. */
  readonly epochs: number | undefined;
  readonly batchSize: number | undefined;
  readonly learningRate: number | undefined;
  readonly firstSide: number | undefined;
  readonly seed: number;
  /** Absent: every epoch is trained. */
  readonly patience: number | undefined;
  readonly balanced: boolean;
  readonly stem: number | undefined;
  readonly blocks: readonly number[] | undefined;
  readonly pretrainedRole: PretrainedRole;
}

/** SageMaker's own tools add keys of their own, such as `_tuning_objective_metric` and `sagemaker_job_name`. */
const isOurs = (key: string) => !key.startsWith('_') && !key.startsWith('sagemaker_');

const problemsOf = (given: Readonly<Record<string, string>>, error: z.ZodError): string[] =>
  error.issues.map(({ path: [key = ''], message }) => {
    const name = String(key);
    return `"${name}" is "${given[name]}" but must be ${message}`;
  });

/**
 * @param values those of hyperparameters.json
 * @throws Error of one line that names each that is unknown or wrong
 */
export const parseHyperparameters = (values: unknown): Hyperparameters => {
  const strings = z.record(z.string(), z.string()).safeParse(values);
  if (!strings.success)
    throw new Error('The hyperparameters must be one JSON object whose values are all strings.');
  const given = Object.fromEntries(Object.entries(strings.data).filter(([key]) => isOurs(key)));
  const known: readonly string[] = Object.values(KEYS);
  const unknown = Object.keys(given).filter((key) => !known.includes(key));
  const parsed = schema.safeParse(given);
  const problems = [
    ...unknown.map((key) => `"${key}" is unknown; known are ${known.join(', ')}`),
    ...(parsed.success ? [] : problemsOf(given, parsed.error)),
  ];
  if (!parsed.success || problems.length > 0)
    throw new Error(`Hyperparameters are wrong: ${problems.join('; ')}.`);
  const { data } = parsed;
  return {
    epochs: data[KEYS.epochs],
    batchSize: data[KEYS.batchSize],
    learningRate: data[KEYS.learningRate],
    firstSide: data[KEYS.firstSide],
    seed: data[KEYS.seed],
    patience: data[KEYS.patience] === 0 ? undefined : data[KEYS.patience],
    balanced: data[KEYS.balanced],
    stem: data[KEYS.stem],
    blocks: data[KEYS.blocks],
    pretrainedRole: data[KEYS.pretrainedRole],
  };
};

/** @param file hyperparameters.json; a job without any may have none */
export const readHyperparameters = async (file: string): Promise<Hyperparameters> => {
  const text = await readIfThere(file);
  if (text === undefined) return parseHyperparameters({});
  try {
    return parseHyperparameters(JSON.parse(text.toString()));
  } catch (error) {
    if (error instanceof SyntaxError) throw new Error(`${file} is not JSON: ${error.message}.`);
    throw error;
  }
};
