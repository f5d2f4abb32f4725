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
        'train, model (also makes a SageMaker model) or deploy (also measures the model, registers it,\nand puts it on the local endpoint if it is good enough) (deploy)',
    }),
  testData: folderOption('photos to test on, like --data (a tenth of each class is held out)'),
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
    'a TensorFlow.js model, such as MobileNet (scripts/fetch-backbone.ts fetches it), on which only\na small head is trained',
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
    .meta({ value: 'FILE', description: "this definition, not the Terraform's" }),
  resume: z.boolean().default(false).meta({
    description:
      'resumes the last execution that can be resumed: the steps that have not succeeded run\nagain, a training continues where it was stopped',
  }),
});

export type PipelineOptions = z.output<typeof options>;

/** Options that are a parameter by another name. */
const VALUES = [
  ['epochs', 'Epoch'],
  ['batchSize', 'BatchSize'],
  ['learningRate', 'LearningRate'],
  ['minAccuracy', 'MinAccuracy'],
] as const;

/** Options that put something of this machine where a parameter points. */
const FILES = [
  ['data', 'TrainData'],
  ['testData', 'TestData'],
  ['pretrained', 'Pretrained'],
  ['initialModel', 'InitialModel'],
] as const;

/** The options that were given, by their parameters. */
const givenAs = (typed: PipelineOptions, names: typeof VALUES | typeof FILES): [string, string][] =>
  names.flatMap(([option, parameter]) =>
    typed[option] === undefined ? [] : [[parameter, String(typed[option])]],
  );

const problemsWith = (typed: PipelineOptions, { FLOWERS_DIR }: NodeJS.ProcessEnv): string[] => {
  // A parameter that is given by its own name has the bounds of its option.
  const outOfBounds = VALUES.flatMap(([option, name]) => {
    const value = typed.parameters[name];
    const [issue] = options.shape[option].safeParse(value).error?.issues ?? [];
    return issue ? [`--${name} is "${value}", but must be ${issue.message}.`] : [];
  });
  if (outOfBounds.length > 0) return outOfBounds;
  const given = [
    ...givenAs(typed, VALUES),
    ...givenAs(typed, FILES),
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
    : ['--resume continues with what the last execution was given; leave the other options out.'];
};

/** The command line. That a parameter exists is not checked: the definition is not read yet. */
export const pipelineCommand = (environment: NodeJS.ProcessEnv) => ({
  head: `Usage: npm run pipeline -- --data DIR [options]
       npm run pipeline -- --resume

Runs a SageMaker pipeline on this machine: the very definition that is in the Terraform.
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
    values: { ...Object.fromEntries(givenAs(typed, VALUES)), ...parameters },
    files: { ...flowers, ...Object.fromEntries(givenAs(typed, FILES)) },
  };
};
