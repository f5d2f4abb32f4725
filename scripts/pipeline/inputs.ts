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

/** What each parameter can point to, and its option. Unlike on AWS, an empty folder is an error here. */
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
 * Checks a local file or folder for a parameter before anything is trained.
 *
 * @throws Error that says what is expected
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
  throw new Error(`${place} is not valid for ${option}. It must be ${expected}.`);
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
 * The value of every parameter: given or default.
 *
 * @param given strings by name
 * @throws Error for an unknown name or a value of the wrong type
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

/** The definition's learning rate, for ten epochs on a backbone, is too low for new weights and few epochs. */
const LEARNING_RATES = { head: 0.003, network: 0.002 } as const;

/** The definition's threshold is for a full training on a GPU. Three epochs on the flowers reach this one. */
const MIN_ACCURACY_OF_A_TRIAL = 0.8;

/** Defaults for a short training on this machine, with the reason for each. */
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
      'for a full training; --min-accuracy changes it',
    ),
  ];
};
