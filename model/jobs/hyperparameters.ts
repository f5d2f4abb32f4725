import { z } from 'zod';
import { rangeText } from '../backbone/feature-extractor.ts';
import { readFileIfExists } from '../shared/files.ts';
import { errorText, wholeNumber } from '../shared/text.ts';
import { numberList, optionName, recipeSchema } from '../training/recipe.ts';

const PATIENCE = 10;

const { epochs, batchSize, learningRate, seed, balanced, initialResolution, fineTune } = recipeSchema.shape;

/** The hyperparameters that the pipelines pass, and additional ones, in the order in which messages list them. */
const schema = z.object({
  epochs: epochs.optional(),
  batchSize: batchSize.optional(),
  learningRate: learningRate.optional(),
  seed: seed.default(1),
  /** 0 for no early stopping. */
  patience: wholeNumber(0)
    .transform((epochs) => (epochs === 0 ? null : epochs))
    .default(PATIENCE),
  balanced: balanced.default(false),
  /** Filters of the network's stem and of its blocks. Ignored with an earlier model. */
  stem: wholeNumber(1).optional(),
  blocks: numberList('a list such as 48,96').optional(),
  initialResolution: initialResolution.optional(),
  /** Number of last blocks of the network in the channel `pretrained` to train. @default none, only a head */
  fineTune: fineTune.optional(),
  /** The values that that network expects for black and white. @default determined from the network */
  pretrainedRange: rangeText.optional(),
});

export type Hyperparameters = Readonly<z.infer<typeof schema>>;

const NAMES = new Map(Object.keys(schema.shape).map((key) => [optionName(key), key]));

/**
 * @param values the content of hyperparameters.json
 * @throws Error that names all unknown or invalid ones in one line
 */
export const parseHyperparameters = (values: unknown): Hyperparameters => {
  const strings = z.record(z.string(), z.string()).safeParse(values);
  if (!strings.success)
    throw new Error('The hyperparameters must be one JSON object whose values are all strings.');
  const problems: string[] = [];
  const input: Record<string, string> = {};
  for (const [name, text] of Object.entries(strings.data)) {
    // SageMaker's tools add their own keys, such as `_tuning_objective_metric` and `sagemaker_job_name`.
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
  if (!data || problems.length > 0) throw new Error(`Invalid hyperparameters: ${problems.join('; ')}.`);
  return data;
};

/** @param file hyperparameters.json, which need not exist */
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
