import type { Definition } from '../../../stacks/learning/pipeline-schema.ts';

/**
 * The definition's learning rate is the original's, for ten epochs on a backbone or for going on with a model of one's
 * own. What is new learns little by it within a few epochs; by these it does.
 */
const LEARNING_RATES = { head: 0.003, network: 0.002 } as const;

/** The definition's bar is for a whole training on a GPU. What three epochs reach on the flowers passes this one. */
const MIN_ACCURACY_OF_A_TRIAL = 0.8;

export interface LocalDefault {
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
