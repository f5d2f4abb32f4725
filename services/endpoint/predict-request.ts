import { z } from 'zod';
import { SIGNATURE_NAME } from '../../model/contract/tensors.ts';
import type { Strings } from '../../model/savedmodel/run.ts';
import { invalidArgument, ServingError } from './errors.ts';

/** A predict request: its inputs by name, and the form of its answer. */
export interface PredictRequest {
  /** `row`: `{"instances"}` is answered with `{"predictions"}`; `column`: `{"inputs"}` with `{"outputs"}`. */
  readonly form: 'row' | 'column';
  readonly inputs: ReadonlyMap<string, Strings>;
}

/**
 * JSON values to string tensors, with TensorFlow Serving's rules and words (util/json_tensor.cc). Only strings are
 * read: the serving contract has no other input.
 */

const base64Object = z.strictObject({ b64: z.string() });
const MAX_SHOWN = 120;
const utf8 = new TextEncoder();

/** A value in an error message; unlike TensorFlow Serving we do not repeat megabytes of it. */
const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
};

const jsonType = (value: unknown): string => {
  if (value === null) return 'Null';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return 'Array';
  return { string: 'String', number: 'Number' }[String(typeof value)] ?? 'Object';
};

/** Base64 as absl::Base64Unescape takes it: standard alphabet, padding optional, white space ignored. */
const decodeBase64 = (text: string): Uint8Array => {
  const compact = text.replace(/\s+/g, '');
  const body = compact.replace(/={1,2}$/, '');
  if (!/^[A-Za-z0-9+/]*$/.test(body) || body.length % 4 === 1)
    throw invalidArgument('Unable to base64 decode');
  return Buffer.from(body, 'base64');
};

const decodeString = (value: unknown): Uint8Array => {
  if (typeof value === 'string') return utf8.encode(value);
  if (typeof value !== 'object' || value === null) {
    throw invalidArgument(
      `JSON Value: ${show(value)} Type: ${jsonType(value)} is not of expected type: string`,
    );
  }
  const object = base64Object.safeParse(value);
  if (object.success) return decodeBase64(object.data.b64);
  throw invalidArgument(`JSON Value: ${show(value)} not formatted correctly for base64 data`);
};

const isBase64Object = (value: unknown): boolean => base64Object.safeParse(value).success;

const tensorShape = (value: unknown): number[] =>
  Array.isArray(value) ? [value.length, ...(value.length > 0 ? tensorShape(value[0]) : [])] : [];

const collect = (value: unknown, level: number, shape: readonly number[], values: Uint8Array[]): void => {
  if (!Array.isArray(value)) {
    if (level !== shape.length) {
      throw invalidArgument(
        `JSON Value: ${show(value)} found at incorrect level: ${level + 1} in the JSON DOM. Expected at level: ${shape.length}`,
      );
    }
    values.push(decodeString(value));
    return;
  }
  if (level >= shape.length) {
    throw invalidArgument(`Encountered list at unexpected level: ${level} expected < ${shape.length}`);
  }
  if (value.length !== shape[level]) {
    throw invalidArgument(
      `Encountered list at unexpected size: ${value.length} at level: ${level} expected size: ${shape[level]}`,
    );
  }
  for (const element of value) collect(element, level + 1, shape, values);
};

/** A scalar, a list, or lists of lists, each of one size. */
const decodeTensor = (value: unknown): Strings => {
  const shape = tensorShape(value);
  const values: Uint8Array[] = [];
  collect(value, 0, shape, values);
  return { shape, values };
};

const children = (value: unknown): unknown[] =>
  typeof value === 'object' && value !== null ? Object.values(value) : [];

/**
 * Whether a JSON document is nested deeper than it may be. Goes level by level: recursion over such a document, as
 * in `JSON.stringify`, runs out of stack.
 */
const isNestedDeeper = (document: unknown, levels: number): boolean => {
  let level = [document];
  for (let depth = 0; depth <= levels; depth += 1) {
    level = level.flatMap(children);
    if (level.length === 0) return false;
  }
  return true;
};

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
 * @example
 * const { form, inputs } = parsePredictRequest('{"instances": [{"b64": "AAEC"}]}', ['photo']);
 * [form, inputs.get('photo').shape]; // => ['row', [1]]
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
