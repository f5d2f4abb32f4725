import type { Definition, DefinitionParameter } from '../../../stacks/learning/pipeline-schema.ts';
import type { Scalar } from './variables.ts';

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
