import { z } from 'zod';
import { rangeText } from '../backbone/feature-extractor.ts';
import { readFileIfExists } from '../shared/files.ts';
import { errorText, wholeNumber } from '../shared/text.ts';
import { numberList, optionName, recipeSchema } from '../training/recipe.ts';

const PATIENCE = 10;

const { epochs, batchSize, learningRate, seed, balanced, initialResolution, fineTune } = recipeSchema.shape;

/** What the pipelines pass, and what a person may set besides; in the order in which a message lists them. */
const schema = z.object({
  epochs: epochs.optional(),
  batchSize: batchSize.optional(),
  learningRate: learningRate.optional(),
  seed: seed.default(1),
  /** 0: every epoch is trained. */
  patience: wholeNumber(0)
    .transform((epochs) => (epochs === 0 ? null : epochs))
    .default(PATIENCE),
  balanced: balanced.default(false),
  /** Filters of the network's stem and of its blocks; an earlier model brings its own. */
  stem: wholeNumber(1).optional(),
  blocks: numberList('a list such as 48,96').optional(),
  initialResolution: initialResolution.optional(),
  /** Last blocks of the network of the channel `pretrained` that are trained too. @default none, only a head */
  fineTune: fineTune.optional(),
  /** What that network wants black and white to be. @default found out */
  pretrainedRange: rangeText.optional(),
});

export type Hyperparameters = Readonly<z.infer<typeof schema>>;

const NAMES = new Map(Object.keys(schema.shape).map((key) => [optionName(key), key]));

/**
 * @param values those of hyperparameters.json
 * @throws Error of one line that names each that is unknown or wrong
 */
export const parseHyperparameters = (values: unknown): Hyperparameters => {
  const strings = z.record(z.string(), z.string()).safeParse(values);
  if (!strings.success)
    throw new Error('The hyperparameters must be one JSON object whose values are all strings.');
  const problems: string[] = [];
  const input: Record<string, string> = {};
  for (const [name, text] of Object.entries(strings.data)) {
    // SageMaker's own tools add keys of their own, such as `_tuning_objective_metric` and `sagemaker_job_name`.
    if (name.startsWith('_') || name.startsWith('sagemaker_')) continue;
    const key = NAMES.get(name);
    if (key) input[key] = text;
    else problems.push(`"${name}" is unknown; known are ${[...NAMES.keys()].join(', ')}`);
  }
  const { data, error } = schema.safeParse(input);
  for (const { path, message } of error?.issues ?? []) {
    const key = String(path[0]);
    problems.push(`"${optionName(key)}" is "${input[key]}" but must be ${message}`);
  }
  if (!data || problems.length > 0) throw new Error(`Hyperparameters are wrong: ${problems.join('; ')}.`);
  return data;
};

/** @param file hyperparameters.json; a job without any may have none */
export const readHyperparameters = async (file: string): Promise<Hyperparameters> => {
  const text = (await readFileIfExists(file))?.toString() ?? '{}';
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is not JSON: ${errorText(error)}.`);
  }
  return parseHyperparameters(values);
};
