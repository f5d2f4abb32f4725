import { z } from 'zod';
import { share } from '../../model/shared/text.ts';
import { recipeSchema } from '../../model/training/recipe.ts';
import { folderOption } from '../shared/cli.ts';
import { PIPELINES } from './definition.ts';
import type { PipelineRequest } from './record.ts';

const { epochs, batchSize, learningRate } = recipeSchema.shape;

const options = z.strictObject({
  data: folderOption('folder with one folder of photos per class (or set FLOWERS_DIR)'),
  pipeline: z
    .enum(PIPELINES, `one of ${PIPELINES.join(', ')}`)
    .default('deploy')
    .meta({
      value: 'NAME',
      description:
        'train, model (also creates a SageMaker model) or deploy (also evaluates the model, registers\nit, and deploys it to the local endpoint if it is good enough) (deploy)',
    }),
  testData: folderOption(
    'test photos, in folders like those of --data (by default a tenth of each class is held out)',
  ),
  epochs: epochs.optional().meta(epochs.meta() ?? {}),
  batchSize: batchSize.optional().meta(batchSize.meta() ?? {}),
  learningRate: learningRate.optional().meta({
    ...learningRate.meta(),
    description: `${learningRate.description} (0.002 here, and 0.003 with --pretrained, where the definition's is lower)`,
  }),
  minAccuracy: share(0, 1, 0.9).optional().meta({
    value: 'X',
    description:
      "share of the test photos, 0 to 1, that a model must classify correctly to be deployed (0.8\nhere, where the definition's is higher)",
  }),
  pretrained: folderOption(
    'a TensorFlow.js model such as MobileNet (scripts/fetch-backbone.ts downloads it); only a small\nhead on top of it is trained',
  ),
  initialModel: z
    .string()
    .optional()
    .meta({ value: 'FILE', description: 'the model.tar.gz of an earlier training, to start from' }),
  parameters: z
    .record(z.string(), z.string())
    .meta({ value: 'NAME=VALUE', description: 'any other parameter of the definition' }),
  definition: z
    .string()
    .optional()
    .meta({ value: 'FILE', description: "another definition than the Terraform's" }),
  resume: z.boolean().default(false).meta({
    description:
      'resumes the last execution that can be resumed: steps that have not succeeded run again,\nand a training continues where it was stopped',
  }),
});

export type PipelineOptions = z.output<typeof options>;

/** Options that set a parameter. */
const VALUES = [
  ['epochs', 'Epoch'],
  ['batchSize', 'BatchSize'],
  ['learningRate', 'LearningRate'],
  ['minAccuracy', 'MinAccuracy'],
] as const;

/** Options that put a local file or folder where a parameter points. */
const FILES = [
  ['data', 'TrainData'],
  ['testData', 'TestData'],
  ['pretrained', 'Pretrained'],
  ['initialModel', 'InitialModel'],
] as const;

const toParameters = (typed: PipelineOptions, names: typeof VALUES | typeof FILES): [string, string][] =>
  names.flatMap(([option, parameter]) =>
    typed[option] === undefined ? [] : [[parameter, String(typed[option])]],
  );

const problemsWith = (typed: PipelineOptions, { FLOWERS_DIR }: NodeJS.ProcessEnv): string[] => {
  // A parameter that is set by its own name has the bounds of its option.
  const outOfBounds = VALUES.flatMap(([option, name]) => {
    const value = typed.parameters[name];
    const [issue] = options.shape[option].safeParse(value).error?.issues ?? [];
    return issue ? [`--${name} is "${value}", but must be ${issue.message}.`] : [];
  });
  if (outOfBounds.length > 0) return outOfBounds;
  const given = [
    ...toParameters(typed, VALUES),
    ...toParameters(typed, FILES),
    ...Object.entries(typed.parameters),
  ].map(([parameter]) => parameter);
  const twice = given.find((name, index) => given.indexOf(name) !== index);
  if (twice !== undefined) return [`The parameter ${twice} is given twice.`];
  if (!typed.resume)
    return given.includes('TrainData') || FLOWERS_DIR
      ? []
      : ['Give a folder of photos with --data DIR, or set FLOWERS_DIR.'];
  return given.length === 0
    ? []
    : ['--resume uses the options of the last execution. Omit the other options.'];
};

/** The command line. Whether a parameter exists is checked later, against the definition. */
export const pipelineCommand = (environment: NodeJS.ProcessEnv) => ({
  head: `Usage: npm run pipeline -- --data DIR [options]
       npm run pipeline -- --resume

Runs a SageMaker pipeline on this machine, from its definition in the Terraform.
`,
  foot: '  --help                shows this\n',
  options: options.superRefine((typed, context) => {
    for (const problem of problemsWith(typed, environment)) context.addIssue(problem);
  }),
});

/** What to run; FLOWERS_DIR replaces a missing --data. */
export const pipelineRequest = (
  typed: PipelineOptions,
  { FLOWERS_DIR }: NodeJS.ProcessEnv,
): PipelineRequest => {
  const { pipeline, definition, parameters } = typed;
  const flowers = FLOWERS_DIR && !('TrainData' in parameters) ? { TrainData: FLOWERS_DIR } : {};
  return {
    pipeline,
    ...(definition !== undefined && { definition }),
    values: { ...Object.fromEntries(toParameters(typed, VALUES)), ...parameters },
    files: { ...flowers, ...Object.fromEntries(toParameters(typed, FILES)) },
  };
};
