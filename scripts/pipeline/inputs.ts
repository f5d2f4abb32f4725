import { stat } from 'node:fs/promises';
import path from 'node:path';
import { MODEL_ARCHIVE } from '../../model/contract/sagemaker-jobs.ts';
import { containsPhotos, describeLayoutProblem } from '../../model/data/class-folders.ts';
import type { Definition, DefinitionParameter } from '../../stacks/learning/pipeline-schema.ts';
import type { Scalar } from './definition.ts';

interface InputKind {
  /** The option that points to it. */
  readonly option: string;
  readonly isValid: (place: string) => Promise<boolean>;
  readonly expected: string;
  /** What else is wrong with a place, in a sentence. */
  readonly describeProblem?: (place: string) => Promise<string | undefined>;
}

const isFile = async (file: string): Promise<boolean> =>
  stat(file).then(
    (found) => found.isFile(),
    () => false,
  );

const photos = (option: string): InputKind => ({
  option,
  isValid: (place) => containsPhotos(place).catch(() => false),
  expected: 'a folder with one folder of photos per class',
  describeProblem: (place) => describeLayoutProblem(place).catch(() => undefined),
});

/**
 * What a parameter can point to. The training job takes an empty channel as one that was not given, because on AWS the
 * two look the same; on this machine an option was given.
 */
const KINDS: Readonly<Record<string, InputKind>> = {
  TrainData: photos('--data or FLOWERS_DIR'),
  TestData: photos('--test-data'),
  Pretrained: {
    option: '--pretrained',
    isValid: (place) => isFile(path.join(place, 'model.json')),
    expected:
      'a folder with the model.json of a TensorFlow.js model, such as the one that scripts/fetch-backbone.ts fetches',
  },
  InitialModel: {
    option: '--initial-model',
    isValid: async (place) => (await isFile(place)) || isFile(path.join(place, MODEL_ARCHIVE)),
    expected: `a ${MODEL_ARCHIVE} of an earlier training, or the folder that it is in`,
  },
};

/**
 * Checks before the training whether a file or folder of this machine is what a parameter takes.
 *
 * @throws Error that says what it must be
 */
export const checkInput = async (parameter: string, place: string): Promise<void> => {
  const kind = KINDS[parameter];
  if (!kind) return;
  const { option, isValid, expected, describeProblem } = kind;
  await stat(place).catch((cause: unknown) => {
    throw new Error(`There is nothing at ${place}, to which ${option} points. Give ${expected}.`, { cause });
  });
  const problem = await describeProblem?.(place);
  if (problem !== undefined) throw new Error(problem);
  if (!(await isValid(place))) throw new Error(`${place} is not what ${option} takes. Give ${expected}.`);
};

const parse = (parameter: DefinitionParameter, text: string): Scalar => {
  const { Name, Type, DefaultValue } = parameter;
  if (Type === 'String') return text;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  const isInteger = Type === 'Integer';
  if (isInteger ? Number.isSafeInteger(value) : Number.isFinite(value)) return value;
  const expected = isInteger ? 'a whole number' : 'a number';
  throw new Error(`--${Name} is "${text}", but must be ${expected}, such as ${DefaultValue}.`);
};

/**
 * The value of every parameter: the one given, or its default.
 *
 * @param given texts by name
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
 * The definition's learning rate is the original's, for ten epochs on a backbone or from an earlier model. New weights
 * learn little by it within a few epochs; by these they do.
 */
const LEARNING_RATES = { head: 0.003, network: 0.002 } as const;

/** The definition's threshold is for a whole training on a GPU. What three epochs reach on the flowers passes this one. */
const MIN_ACCURACY_OF_A_TRIAL = 0.8;

interface LocalDefault {
  readonly name: string;
  readonly value: string;
  /** What it replaces, and why. */
  readonly reason: string;
}

/**
 * Values for a short training on this machine where none was given.
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
  const defaults: LocalDefault[] = [];
  const rate = defaultOf('LearningRate');
  const better = given.has('Pretrained') ? LEARNING_RATES.head : LEARNING_RATES.network;
  if (rate !== undefined && rate < better && !given.has('InitialModel'))
    defaults.push({
      name: 'LearningRate',
      value: String(better),
      reason: `not the definition's ${rate}, which is too low for a short training; --learning-rate changes it`,
    });
  const accuracy = defaultOf('MinAccuracy');
  if (accuracy !== undefined && accuracy > MIN_ACCURACY_OF_A_TRIAL)
    defaults.push({
      name: 'MinAccuracy',
      value: String(MIN_ACCURACY_OF_A_TRIAL),
      reason: `not the definition's ${accuracy}, which is for a whole training; --min-accuracy changes it`,
    });
  return defaults;
};
