import type { ModelStore } from './model-store.ts';
import { predict } from './predict.ts';
import { ServingError } from './serving-error.ts';

/**
 * `POST /invocations` as the AWS tensorflow-inference image answers it without Python handlers (tensorflowServing.js in
 * github.com/aws/deep-learning-containers): which content types it takes, and what it makes of each.
 */

export interface Invocation {
  readonly body: string;
  readonly contentType: string | undefined;
  /** The header X-Amzn-SageMaker-Custom-Attributes: `tfs-model-name=x,tfs-model-version=1`. */
  readonly customAttributes: string | undefined;
}

const JSON_TYPES = new Set(['application/json', 'application/jsonlines', 'application/jsons']);

const lines = (body: string): string[] =>
  body
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** TensorFlow Serving's own JSON passes; JSON lines, or any other JSON, become its instances. */
const fromJson = (body: string): string => {
  if (/"(instances|inputs|examples)"\s*:/.test(body)) return body;
  const separate = /[}\]]\s*[[{]/.test(body) ? lines(body).join(',') : body;
  return `{"instances":[${separate}]}`;
};

/** A line with several columns becomes a list. */
const fromCsv = (body: string): string => {
  const cell = (text: string) => (/^\s*("|[\d.Ee+-]+\s*$)/.test(text) ? text : JSON.stringify(text));
  const rows = lines(body).map((line) => {
    const cells = line.split(',').map(cell);
    return cells.length > 1 ? `[${cells.join(',')}]` : cells.join('');
  });
  return `{"instances":[${rows.join(',')}]}`;
};

const toPredictBody = ({ body, contentType }: Invocation): string => {
  const mediaType = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (JSON_TYPES.has(mediaType)) return fromJson(body);
  if (mediaType === 'text/csv') return fromCsv(body);
  throw new ServingError(415, `Unsupported Media Type: ${contentType ?? 'Unknown'}`);
};

/** @throws ServingError 400, 404 or 415 */
export const invoke = async (store: ModelStore, invocation: Invocation): Promise<unknown> => {
  const body = toPredictBody(invocation);
  const attribute = (name: string) => invocation.customAttributes?.match(new RegExp(`${name}=([^,]+)`))?.[1];
  const model = store.find(attribute('tfs-model-name') ?? store.defaultName, attribute('tfs-model-version'));
  return predict(model, body);
};
