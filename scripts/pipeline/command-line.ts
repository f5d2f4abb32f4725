import { parseArgs } from 'node:util';
import { z } from 'zod';
import { share, wholeNumber } from '../../model/shared/text.ts';
import { recipeSchema } from '../../model/training/recipe.ts';
import { describeIssues } from '../shared/cli.ts';
import { PIPELINES, type PipelineKey } from './definition.ts';

const { epochs, batchSize, learningRate } = recipeSchema.shape;

export const USAGE = `Usage: npm run pipeline -- --data DIR [options]
       npm run pipeline -- --resume

Runs a SageMaker pipeline on this machine: the very definition that is in the Terraform.

  --data DIR            folder with one folder of photos per class (or set FLOWERS_DIR)
  --pipeline NAME       train, model (also makes a SageMaker model) or deploy (also measures the model, registers it,
                        and puts it on the local endpoint if it is good enough) (deploy)
  --test-data DIR       photos to test on, like --data (a tenth of each class is held back)
  --epochs N            ${epochs.description}
  --batch-size N        ${batchSize.description}
  --learning-rate X     ${learningRate.description} (0.002 here, and 0.003 with --pretrained, where the definition's is lower)
  --min-accuracy X      share of the test photos, 0 to 1, that a model must name rightly to be deployed (0.8
                        here, where the definition's is higher)
  --pretrained DIR      a TensorFlow.js model, such as MobileNet (scripts/fetch-backbone.ts fetches it), on which only
                        a small head is trained
  --initial-model FILE  the model.tar.gz of an earlier training, to start from
  --NAME=VALUE          any other parameter of the definition
  --definition FILE     this definition, not the Terraform's
  --parallel N          steps that run side by side (2)
  --resume              goes on with the last execution that can be gone on with: with the steps that have not
                        succeeded, and with a training where it was stopped
  --help                shows this
`;

/** Options that are a parameter by another name. */
const VALUES: Readonly<Record<string, string>> = {
  epochs: 'Epoch',
  'batch-size': 'BatchSize',
  'learning-rate': 'LearningRate',
  'min-accuracy': 'MinAccuracy',
};

/** Options that put something of this machine where a parameter points. */
const FILES: Readonly<Record<string, string>> = {
  data: 'TrainData',
  'test-data': 'TestData',
  pretrained: 'Pretrained',
  'initial-model': 'InitialModel',
};

const flag = z.boolean('given without a value').default(false);

const ownSchema = z.object({
  help: flag,
  resume: flag,
  pipeline: z.enum(PIPELINES, `one of ${PIPELINES.join(', ')}`).default('deploy'),
  definition: z.string().optional(),
  parallel: wholeNumber(1, 16).default(2),
});

/** Of the definition's parameters those whose values would otherwise be refused only after the training has begun. */
const valuesSchema = z.object({
  epochs: epochs.optional(),
  'batch-size': batchSize.optional(),
  'learning-rate': learningRate.optional(),
  'min-accuracy': share(0, 1, 0.9).optional(),
});

const schema = ownSchema.extend(valuesSchema.shape);

export interface CommandLine {
  readonly help: boolean;
  readonly resume: boolean;
  readonly pipeline: PipelineKey;
  /** File of another definition than the Terraform's. */
  readonly definition: string | undefined;
  readonly parallel: number;
  /** Parameters, by name, as they were typed. */
  readonly values: ReadonlyMap<string, string>;
  /** Files and folders of this machine, by the parameter that is to point to them. */
  readonly files: ReadonlyMap<string, string>;
}

const FLAGS = ['help', 'resume'];
const OPTIONS = [...Object.keys(ownSchema.shape), ...Object.keys(VALUES), ...Object.keys(FILES)];

const withoutValue = (name: string): string =>
  OPTIONS.includes(name)
    ? `--${name} needs a value: --${name}=VALUE`
    : `There is no option --${name}. If it is a parameter of the definition, write --${name}=VALUE.`;

/** @throws Error for an option without a value */
const read = (parameters: readonly string[]): Map<string, string | boolean> => {
  const { tokens } = parseArgs({
    args: [...parameters],
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      OPTIONS.map((name) => [name, { type: FLAGS.includes(name) ? 'boolean' : 'string' } as const]),
    ),
  });
  const found = new Map<string, string | boolean>();
  for (const token of tokens) {
    if (token.kind === 'positional') throw new Error(`"${token.value}" belongs to no option.`);
    if (token.kind !== 'option') continue;
    const { name, value } = token;
    if (value === undefined && !FLAGS.includes(name)) throw new Error(withoutValue(name));
    if (found.has(name)) throw new Error(`--${name} is given twice.`);
    found.set(name, value ?? true);
  }
  return found;
};

/**
 * Reads the options. That a parameter exists is not checked: the definition is not read yet.
 *
 * @throws Error that names what is wrong
 */
export const readCommandLine = (
  parameters: readonly string[],
  environment: NodeJS.ProcessEnv,
): CommandLine => {
  const typed = read(parameters);
  const options = Object.fromEntries(typed);
  const { data, error } = schema.safeParse(options);
  if (error) throw new Error(describeIssues(options, error));
  const values = new Map<string, string>();
  const files = new Map<string, string>();
  for (const [name, value] of typed) {
    const file = FILES[name];
    if (Object.hasOwn(ownSchema.shape, name)) continue;
    if (file !== undefined) files.set(file, String(value));
    else {
      const parameter = VALUES[name] ?? name;
      if (values.has(parameter)) throw new Error(`The parameter ${parameter} is given twice.`);
      values.set(parameter, String(value));
    }
  }
  for (const name of files.keys())
    if (values.has(name)) throw new Error(`The parameter ${name} is given twice.`);
  if (data.resume && values.size + files.size > 0)
    throw new Error('--resume goes on with what the last execution was given; leave the other options out.');
  const flowers = environment['FLOWERS_DIR'];
  if (!data.resume && flowers && !files.has('TrainData') && !values.has('TrainData'))
    files.set('TrainData', flowers);
  if (!data.help && !data.resume && !files.has('TrainData') && !values.has('TrainData'))
    throw new Error('Give a folder of photos with --data DIR, or set FLOWERS_DIR.');
  const { help, resume, pipeline, definition, parallel } = data;
  return { help, resume, pipeline, definition, parallel, values, files };
};
