import { z } from 'zod';
import { INPUT_NAME, SIGNATURE_NAME } from '../../model/contract/tensors.ts';
import type { Strings } from '../../model/savedmodel/run.ts';
import { invalidArgument } from './errors.ts';

/** A predict request: its inputs by name, and the format of its answer. */
export interface PredictRequest {
  /** `row`: `{"instances"}` is answered with `{"predictions"}`; `column`: `{"inputs"}` with `{"outputs"}`. */
  readonly form: 'row' | 'column';
  readonly inputs: ReadonlyMap<string, Strings>;
}

const utf8 = new TextEncoder();

/** A string in TensorFlow Serving's REST API: text, or base64 in the standard alphabet, with optional padding. */
const stringValue = z.union(
  [
    z.string().transform((text): Uint8Array => utf8.encode(text)),
    z
      .strictObject({ b64: z.string().regex(/^[A-Za-z0-9+/\s]*={0,2}\s*$/) })
      .transform(({ b64 }): Uint8Array => Buffer.from(b64, 'base64')),
  ],
  { error: 'must be a string or {"b64": "<base64>"}' },
);

const requestSchema = z
  .object({
    signature_name: z.enum(['', SIGNATURE_NAME], { error: 'is not in the model' }).optional(),
    instances: z.array(z.unknown()).min(1).optional(),
    inputs: z.unknown().optional(),
  })
  .refine(
    ({ instances, inputs }) => (instances === undefined) !== (inputs === undefined),
    "must have one of the keys 'instances' and 'inputs'",
  );

/** An input's value, which may be wrapped in an object that names it. */
const unwrap = (value: unknown): unknown => {
  const object = z.strictObject({ [INPUT_NAME]: z.unknown() }).safeParse(value);
  return object.success ? object.data[INPUT_NAME] : value;
};

const check = <T>(result: z.ZodSafeParseResult<T>): T => {
  if (result.success) return result.data;
  throw invalidArgument(`The request is not valid. ${z.prettifyError(result.error)}`);
};

const parseJson = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw invalidArgument(`JSON Parse error: ${error instanceof Error ? error.message : String(error)}`);
  }
};

/**
 * Reads the body of a `:predict` request (TensorFlow Serving REST API). Accepts lists of strings only: the serving
 * contract has no other input.
 *
 * @throws ServingError 400
 * @example
 * const { form, inputs } = parsePredictRequest('{"instances": [{"b64": "AAEC"}]}',);
 * [form, inputs.get('photo').shape]; // => ['row', [1]]
 */
export const parsePredictRequest = (body: string): PredictRequest => {
  const { instances, inputs } = check(requestSchema.safeParse(parseJson(body)));
  const given = instances ? instances.map(unwrap) : unwrap(inputs);
  const values = check(z.array(stringValue).safeParse(given));
  return {
    form: instances ? 'row' : 'column',
    inputs: new Map([[INPUT_NAME, { shape: [values.length], values }]]),
  };
};
