import { InvalidArgumentError, type Output } from '../../model/savedmodel/run.ts';
import { BATCHING } from '../../model/serving/settings.ts';
import { invalidArgument } from './errors.ts';
import type { ServedModel } from './models.ts';
import { type PredictRequest, parsePredictRequest } from './predict-request.ts';

type Json = number | string | Json[] | { [name: string]: Json };

/** Nine significant digits represent a float32 exactly. */
const round = (value: number) => Number(value.toPrecision(9));
const utf8 = new TextDecoder();

const flat = (output: Output): Json[] =>
  'numbers' in output ? output.numbers.map(round) : output.strings.map((value) => utf8.decode(value));

/** Nests a flat list to the given shape. */
const nest = (values: readonly Json[], shape: readonly number[]): Json => {
  const [size, ...rest] = shape;
  if (size === undefined) return values[0] ?? [];
  const stride = values.length / Math.max(1, size);
  return Array.from({ length: size }, (_, index) =>
    nest(values.slice(index * stride, (index + 1) * stride), rest),
  );
};

const nested = (outputs: ReadonlyMap<string, Output>) =>
  [...outputs].map(([name, output]) => [name, nest(flat(output), output.shape)] as const);

/** `{"outputs": ...}`: each output as a whole. TensorFlow Serving omits the name of a single output; our models have more. */
const columns = (outputs: ReadonlyMap<string, Output>): Json => ({
  outputs: Object.fromEntries(nested(outputs)),
});

/** `{"predictions": [...]}`: one element per photo. */
const rows = (outputs: ReadonlyMap<string, Output>): Json => {
  const lists = nested(outputs).map(([name, values]) => [name, Array.isArray(values) ? values : []] as const);
  const predictions = lists[0]?.[1].map((_, row) =>
    Object.fromEntries(lists.map(([name, values]) => [name, values[row] ?? []])),
  );
  return { predictions: predictions ?? [] };
};

/** The check of TensorFlow Serving's batching (batching_util). */
const checkBatchSize = ({ inputs }: PredictRequest): void => {
  for (const {
    shape: [size = 1],
  } of inputs.values()) {
    if (size > BATCHING.maxBatchSize)
      throw invalidArgument(
        `Task size ${size} is larger than maximum input batch size ${BATCHING.maxBatchSize}`,
      );
  }
};

const run = async ({ runner }: ServedModel, { inputs }: PredictRequest) => {
  try {
    return await runner.run(inputs);
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw invalidArgument(error.message);
    throw error;
  }
};

/**
 * Answers a `:predict` request.
 *
 * @throws ServingError 400 for a request that the model cannot process
 */
export const predict = async (model: ServedModel, body: string): Promise<Json> => {
  const request = parsePredictRequest(body);
  checkBatchSize(request);
  const outputs = await run(model, request);
  return request.form === 'row' ? rows(outputs) : columns(outputs);
};
