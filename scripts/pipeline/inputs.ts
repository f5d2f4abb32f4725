import { stat } from 'node:fs/promises';
import path from 'node:path';
import { MODEL_ARCHIVE } from '../../model/contract/sagemaker-jobs.ts';
import { containsPhotos, describeLayoutProblem } from '../../model/data/class-folders.ts';
import type { Definition, DefinitionParameter } from '../../stacks/learning/pipeline-schema.ts';
import type { Scalar } from './definition.ts';

const isFile = async (file: string): Promise<boolean> =>
  stat(file).then(
    (found) => found.isFile(),
    () => false,
  );

type InputKind = readonly [option: string, expected: string, isValid: (place: string) => Promise<boolean>];

const photos = (option: string): InputKind => [
  option,
  'a folder with one folder of photos per class',
  containsPhotos,
];

/**
 * What a parameter can point to, and the option that does. The training job takes an empty channel as one that was not
 * given, because on AWS the two look the same; on this machine an option was given.
 */
const KINDS: Readonly<Record<string, InputKind>> = {
  TrainData: photos('--data or FLOWERS_DIR'),
  TestData: photos('--test-data'),
  Pretrained: [
    '--pretrained',
    'a folder with the model.json of a TensorFlow.js model, such as the one that scripts/fetch-backbone.ts fetches',
    (place) => isFile(path.join(place, 'model.json')),
  ],
  InitialModel: [
    '--initial-model',
    `a ${MODEL_ARCHIVE} of an earlier training, or the folder that it is in`,
    async (place) => (await isFile(place)) || isFile(path.join(place, MODEL_ARCHIVE)),
  ],
};

/**
 * Checks before the training whether a file or folder of this machine is what a parameter takes.
 *
 * @throws Error that says what it must be
 */
export const checkInput = async (parameter: string, place: string): Promise<void> => {
  const kind = KINDS[parameter];
  if (!kind) return;
  const [option, expected, isValid] = kind;
  if (isValid === containsPhotos) {
    const problem = await describeLayoutProblem(place).catch(() => undefined);
    if (problem !== undefined) throw new Error(problem);
  }
  if (await isValid(place).catch(() => false)) return;
  throw new Error(`${place} is not what ${option} takes. Give ${expected}.`);
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
  given: Readonly<Record<string, string>>,
): Record<string, Scalar> => {
  const names = Parameters.map(({ Name }) => Name);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new Error(`This pipeline has no parameter ${unknown}. It has ${names.join(', ')}.`);
  return Object.fromEntries(
    Parameters.map((parameter) => {
      const text = given[parameter.Name];
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

/**
 * Values for a short training on this machine where none was given.
 *
 * @returns with the reason: what it replaces, and why
 */
export const localDefaults = ({ Parameters }: Definition, given: Readonly<Record<string, string>>) => {
  const rate = 'Pretrained' in given ? LEARNING_RATES.head : LEARNING_RATES.network;
  const choose = (name: string, value: number, isBetter: (own: number) => boolean, why: string) => {
    const own = Parameters.find((parameter) => parameter.Name === name)?.DefaultValue;
    if (typeof own !== 'number' || name in given || !isBetter(own)) return [];
    return [{ name, value: String(value), reason: `not the definition's ${own}, which is ${why}` }];
  };
  return [
    ...choose(
      'LearningRate',
      rate,
      (own) => own < rate && !('InitialModel' in given),
      'too low for a short training; --learning-rate changes it',
    ),
    ...choose(
      'MinAccuracy',
      MIN_ACCURACY_OF_A_TRIAL,
      (own) => own > MIN_ACCURACY_OF_A_TRIAL,
      'for a whole training; --min-accuracy changes it',
    ),
  ];
};
