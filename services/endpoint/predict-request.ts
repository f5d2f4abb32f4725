import { z } from 'zod';
import { SIGNATURE_NAME } from '../../model/contract/tensors.ts';
import type { Strings } from '../../model/savedmodel/run.ts';
import { decodeTensor, isBase64Object, show } from './json-tensor.ts';
import { isNestedDeeper } from './nesting.ts';
import { invalidArgument, ServingError } from './serving-error.ts';

/** A predict request: its inputs by name, and the form in which the answer is wanted. */
export interface PredictRequest {
  /** `row`: `{"instances"}` is answered with `{"predictions"}`; `column`: `{"inputs"}` with `{"outputs"}`. */
  readonly form: 'row' | 'column';
  readonly inputs: ReadonlyMap<string, Strings>;
}

/** More levels than a tensor may have dimensions (254 in TensorFlow). */
const MAX_LEVELS = 300;

const object = z.record(z.string(), z.unknown());

const parseJson = (body: string): Record<string, unknown> => {
  if (body === '') throw invalidArgument('JSON Parse error: The document is empty');
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch (error) {
    throw invalidArgument(`JSON Parse error: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (isNestedDeeper(document, MAX_LEVELS))
    throw invalidArgument(`JSON Parse error: The document is nested deeper than ${MAX_LEVELS} levels`);
  const parsed = object.safeParse(document);
  if (!parsed.success) throw invalidArgument(`JSON Value: ${show(document)} Is not object`);
  return parsed.data;
};

const checkSignature = ({ signature_name: name }: Record<string, unknown>): void => {
  if (name === undefined || name === '' || name === SIGNATURE_NAME) return;
  if (typeof name !== 'string') {
    throw invalidArgument(
      `JSON Value: ${show(name)} not formatted correctly. 'signature_name' key must be a string value.`,
    );
  }
  throw invalidArgument(`Serving signature name: "${name}" not found in signature def`);
};

const isNamed = (value: unknown): value is Record<string, unknown> =>
  object.safeParse(value).success && !isBase64Object(value);

/** One element of `instances`: the value of the only input, or an object that names every input. */
const decodeInstance = (element: unknown, index: number, names: readonly string[]): Map<string, Strings> => {
  const [onlyName = ''] = names;
  const fields: Record<string, unknown> = isNamed(element) ? element : { [onlyName]: element };
  if (Object.keys(fields).sort().join() !== [...names].sort().join()) {
    throw invalidArgument(
      `Failed to process element: ${index} of 'instances' list. JSON object: ${show(element)} keys must be equal to: ${names.join(',')}`,
    );
  }
  try {
    return new Map(Object.entries(fields).map(([name, value]) => [name, decodeTensor(value)]));
  } catch (error) {
    if (!(error instanceof ServingError)) throw error;
    throw invalidArgument(
      `Failed to process element: ${index} of 'instances' list. Error: INVALID_ARGUMENT: ${error.message}`,
    );
  }
};

/** Instances of one input, stacked along a new first dimension. */
const stack = (name: string, instances: readonly Map<string, Strings>[]): Strings => {
  const tensors = instances.map((instance) => instance.get(name) ?? { shape: [], values: [] });
  const shape = tensors[0]?.shape ?? [];
  for (const tensor of tensors) {
    if (tensor.shape.join() !== shape.join()) {
      throw invalidArgument(`Expecting shape [${shape.join()}] but got: [${tensor.shape.join()}]`);
    }
  }
  return { shape: [tensors.length, ...shape], values: tensors.flatMap(({ values }) => values) };
};

const fromInstances = (instances: unknown, names: readonly string[]): Map<string, Strings> => {
  if (!Array.isArray(instances)) {
    throw invalidArgument(`JSON Value: ${show({ instances })} Excepting 'instances' to be an list/array`);
  }
  if (instances.length === 0) {
    throw invalidArgument(`JSON Value: ${show({ instances })} No values in 'instances' array`);
  }
  const decoded = instances.map((element, index) => decodeInstance(element, index, names));
  return new Map(names.map((name) => [name, stack(name, decoded)]));
};

const fromInputs = (inputs: unknown, names: readonly string[]): Map<string, Strings> => {
  const [onlyName = ''] = names;
  const fields: Record<string, unknown> = isNamed(inputs) ? inputs : { [onlyName]: inputs };
  return new Map(
    names.map((name) => {
      if (!(name in fields)) throw invalidArgument(`Missing named input: ${name} in 'inputs' object.`);
      return [name, decodeTensor(fields[name])];
    }),
  );
};

/**
 * Reads the body of a `:predict` request (TensorFlow Serving REST API).
 *
 * @param names the inputs of the model's signature
 * @throws ServingError 400 in TensorFlow Serving's words
 */
export const parsePredictRequest = (body: string, names: readonly string[]): PredictRequest => {
  const document = parseJson(body);
  checkSignature(document);
  const { instances, inputs } = document;
  if (instances !== undefined && inputs !== undefined) {
    throw invalidArgument(
      `JSON Value: ${show(document)} Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist `,
    );
  }
  if (instances !== undefined) return { form: 'row', inputs: fromInstances(instances, names) };
  if (inputs !== undefined) return { form: 'column', inputs: fromInputs(inputs, names) };
  throw invalidArgument("Missing 'inputs' or 'instances' key");
};
