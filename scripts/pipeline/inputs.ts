import { stat } from 'node:fs/promises';
import path from 'node:path';
import { MODEL_ARCHIVE } from '../../model/contract/sagemaker-jobs.ts';
import { containsPhotos } from '../../model/data/dataset.ts';
import type { Definition, DefinitionParameter } from '../../stacks/learning/pipeline-schema.ts';
import type { Scalar } from './definition.ts';
import { StepFailure, type StepRunner } from './execution.ts';
import type { ExecutionRecord } from './record.ts';

interface Kind {
  /** With which a person points to it. */
  readonly option: string;
  readonly isGood: (place: string) => Promise<boolean>;
  readonly wanted: string;
}

const isFile = async (file: string): Promise<boolean> =>
  stat(file).then(
    (found) => found.isFile(),
    () => false,
  );

const photos = (option: string): Kind => ({
  option,
  isGood: (place: string) => containsPhotos(place).catch(() => false),
  wanted: 'a folder with one folder of photos per class',
});

/**
 * What a parameter can point to. The training job takes a channel without it as not given, which on AWS cannot be told
 * apart; here somebody has pointed to it.
 */
const KINDS: Readonly<Record<string, Kind>> = {
  TrainData: photos('--data or FLOWERS_DIR'),
  TestData: photos('--test-data'),
  Pretrained: {
    option: '--pretrained',
    isGood: (place) => isFile(path.join(place, 'model.json')),
    wanted:
      'a folder with the model.json of a TensorFlow.js model, such as the one that scripts/fetch-backbone.ts fetches',
  },
  InitialModel: {
    option: '--initial-model',
    isGood: async (place) => (await isFile(place)) || isFile(path.join(place, MODEL_ARCHIVE)),
    wanted: `a ${MODEL_ARCHIVE} of an earlier training, or the folder that it lies in`,
  },
};

/**
 * Looks before the training whether a file or folder of this machine is what a parameter takes.
 *
 * @throws Error that says what it must be
 */
export const checkGivenFile = async (parameter: string, place: string): Promise<void> => {
  const kind = KINDS[parameter];
  if (!kind) return;
  const { option, isGood, wanted } = kind;
  await stat(place).catch((cause: unknown) => {
    throw new Error(`There is nothing at ${place}, to which ${option} points. Give ${wanted}.`, { cause });
  });
  if (!(await isGood(place))) throw new Error(`${place} is not what ${option} takes. Give ${wanted}.`);
};

/** The bucket of what a person points to with an option; no bucket of AWS has such a short life. */
export const GIVEN_BUCKET = 'this-machine';

/** Where in S3 an execution finds what it was given for a parameter. */
export const givenPrefix = (execution: string, parameter: string): string =>
  `s3://${GIVEN_BUCKET}/${execution}/${parameter}/`;

/** A text in which files and folders are called what the person called them who gave them. */
export type Naming = (text: string) => string;

const isFileOfGivenPlaces = async (place: string): Promise<boolean> =>
  stat(place).then(
    (found) => found.isFile(),
    () => false,
  );

/** Puts the places of this machine that an execution was given in place of their URIs in S3. */
export const namingOf = async ({ id, asked }: Pick<ExecutionRecord, 'id' | 'asked'>): Promise<Naming> => {
  const names: [uri: string, place: string][] = [];
  for (const [parameter, place] of Object.entries(asked.files)) {
    const prefix = givenPrefix(id, parameter);
    if (await isFileOfGivenPlaces(place)) names.push([`${prefix}${MODEL_ARCHIVE}`, place], [prefix, place]);
    names.push([prefix.slice(0, -1), place]);
  }
  return (text) => names.reduce((named, [uri, place]) => named.replaceAll(uri, place), text);
};

/** Steps that tell of places as a person knows them. */
export const withNaming =
  (run: StepRunner, named: Naming): StepRunner =>
  async (step, request, context) => {
    try {
      return await run(step, request, {
        ...context,
        report: (note) => context.report(named(note)),
        warn: (text) => context.warn(named(text)),
      });
    } catch (error) {
      if (!(error instanceof StepFailure)) throw error;
      const { exception } = error;
      throw new StepFailure(named(error.message), { cause: error, ...(exception && { exception }) });
    }
  };

const wrong = ({ Name, DefaultValue }: DefinitionParameter, text: string, wanted: string) =>
  new Error(`--${Name} is "${text}", but must be ${wanted}, such as ${DefaultValue}.`);

const parse = (parameter: DefinitionParameter, text: string): Scalar => {
  if (parameter.Type === 'String') return text;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (parameter.Type === 'Integer' && !Number.isSafeInteger(value))
    throw wrong(parameter, text, 'a whole number');
  if (!Number.isFinite(value)) throw wrong(parameter, text, 'a number');
  return value;
};

/**
 * The value of every parameter: the one given, or its default.
 *
 * @param given as a person wrote them, by name
 * @throws Error for a name that the definition does not have, or a value of another type
 */
export const parameterValues = (
  { Parameters }: Definition,
  given: ReadonlyMap<string, string>,
): ReadonlyMap<string, Scalar> => {
  const names = Parameters.map(({ Name }) => Name);
  const unknown = [...given.keys()].find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new Error(`This pipeline has no parameter ${unknown}. It has ${names.join(', ')}.`);
  return new Map(
    Parameters.map((parameter) => {
      const text = given.get(parameter.Name);
      return [parameter.Name, text === undefined ? parameter.DefaultValue : parse(parameter, text)];
    }),
  );
};

/**
 * The definition's learning rate is the original's, for ten epochs on a backbone or for going on with a model of one's
 * own. What is new learns little by it within a few epochs; by these it does.
 */
const LEARNING_RATES = { head: 0.003, network: 0.002 } as const;

/** The definition's bar is for a whole training on a GPU. What three epochs reach on the flowers passes this one. */
const MIN_ACCURACY_OF_A_TRIAL = 0.8;

interface LocalDefault {
  readonly name: string;
  readonly value: string;
  /** In place of what, and why. */
  readonly reason: string;
}

/**
 * Values for a short training on this machine, where a person has chosen none.
 *
 * @param given names of the parameters that were given
 */
export const localDefaults = (
  { Parameters }: Definition,
  given: ReadonlySet<string>,
): readonly LocalDefault[] => {
  const defaultOf = (name: string): number | undefined => {
    const value = Parameters.find((parameter) => parameter.Name === name)?.DefaultValue;
    return typeof value === 'number' && !given.has(name) ? value : undefined;
  };
  const rate = defaultOf('LearningRate');
  const accuracy = defaultOf('MinAccuracy');
  const better = given.has('Pretrained') ? LEARNING_RATES.head : LEARNING_RATES.network;
  return [
    ...(rate !== undefined && rate < better && !given.has('InitialModel')
      ? [
          {
            name: 'LearningRate',
            value: String(better),
            reason: `not the definition's ${rate}, which is too low for a short training; --learning-rate changes it`,
          },
        ]
      : []),
    ...(accuracy !== undefined && accuracy > MIN_ACCURACY_OF_A_TRIAL
      ? [
          {
            name: 'MinAccuracy',
            value: String(MIN_ACCURACY_OF_A_TRIAL),
            reason: `not the definition's ${accuracy}, which is for a whole training; --min-accuracy changes it`,
          },
        ]
      : []),
  ];
};
