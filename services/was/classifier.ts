import { ModelError, SageMakerRuntimeServiceException } from '@aws-sdk/client-sagemaker-runtime';
import { z } from 'zod';
import { type Language, labelNames, labelWords, type Words } from '../../model/contract/catalogue.ts';
import { INPUT_NAME, predictionSchema } from '../../model/contract/tensors.ts';
import { MAX_BATCH_SIZE } from '../contract.ts';
import { ProblemError } from '../http/problem.ts';
import type { RuntimeClient } from './runtime-client.ts';

/** The model's answer for one photo. */
export interface Classification {
  /** Every class with its probability, in the model's order. */
  readonly classes: readonly {
    readonly label: string;
    readonly probability: number;
    readonly names: Readonly<Record<Language, string>>;
  }[];
  readonly modelVersion: string;
  /** Whether the photo looks like any of the classes. */
  readonly known: boolean;
  /** The description of the most probable class, and what the model says about itself. */
  readonly words: Words;
  /** Evidence for the most probable class in each part of the photo, row by row. @default - the model has no such output */
  readonly map?: readonly (readonly number[])[] | undefined;
}

export interface Classifier {
  /**
   * Classifies photos in one call.
   *
   * @param photos uint8 RGB, `224 * 224 * 3` each; at most MAX_BATCH_SIZE
   * @param options.signal ends the call, which then rejects with the signal's reason
   * @param options.requestId identifies the call in the endpoint's log and captured data
   * @returns one classification per photo, in the same order
   * @throws ProblemError `endpoint-unavailable` or `model-failed`
   */
  classify(
    photos: readonly Uint8Array[],
    options?: { readonly signal?: AbortSignal; readonly requestId?: string },
  ): Promise<readonly Classification[]>;
}

export interface SageMakerClassifierOptions {
  readonly client: RuntimeClient;
  readonly endpointName: string;
  /** Timeout for one photo, retries included; twice as long for a full batch. */
  readonly timeoutMs: number;
}

/** TensorFlow Serving's answer in row format. */
const responseSchema = z.object({ predictions: z.array(predictionSchema) });

/** The maximum of InvokeEndpoint. */
const INFERENCE_ID_LENGTH = 64;

/** Seconds until a retry may succeed, by error name. */
const RETRY_AFTER: Readonly<Record<string, number>> = { ThrottlingException: 1, ModelNotReadyException: 5 };

const REASONS: Readonly<Record<string, string>> = {
  ThrottlingException: 'It is receiving more requests than it is allowed to.',
  ModelNotReadyException: 'It is still loading its model.',
  ValidationError: 'It has not been deployed yet.',
  // The SDK's name for connections that time out or break.
  TimeoutError: 'The connection to it broke or timed out.',
  AbortError: 'It did not answer in time.',
};

const describeReason = (error: unknown, name: string): string => {
  const answered = error instanceof SageMakerRuntimeServiceException;
  return REASONS[name] ?? (answered ? `It answered with an error (${name}).` : 'It cannot be reached.');
};

/** Retrying does not help a photo that the model refuses, but may help when the model itself fails. */
const modelFailed = (error: ModelError): ProblemError => {
  const refused = (error.OriginalStatusCode ?? 500) < 500;
  const message = refused
    ? 'The model could not process the photo. Try another photo.'
    : 'The model failed. Try again; if this persists, look at the log of the endpoint.';
  return new ProblemError('model-failed', message, { cause: error });
};

const toProblem = (error: unknown, endpointName: string): ProblemError => {
  if (error instanceof ModelError) return modelFailed(error);
  const name = error instanceof Error ? error.name : '';
  return new ProblemError(
    'endpoint-unavailable',
    `The classifier ${endpointName} is not available. ${describeReason(error, name)} Try again shortly.`,
    { cause: error, retryAfter: RETRY_AFTER[name] ?? 2 },
  );
};

const toClassification = ({
  probabilities,
  classes,
  model_version: modelVersion,
  known_score: knownScore,
  evidence: map,
  names,
  words,
}: z.output<typeof predictionSchema>): Classification => {
  const best = classes[probabilities.indexOf(Math.max(...probabilities))] ?? '';
  return {
    classes: classes.map((label, index) => ({
      label,
      probability: Math.min(1, probabilities[index] ?? 0),
      names: names?.[index] ?? labelNames(label),
    })),
    words: words ?? labelWords(best),
    modelVersion,
    known: knownScore >= 0,
    map,
  };
};

const parseResponse = (body: Uint8Array, count: number): Classification[] => {
  const { predictions } = responseSchema.parse(JSON.parse(Buffer.from(body).toString('utf8')));
  if (predictions.length !== count) throw new Error(`${predictions.length} answers for ${count} photos.`);
  return predictions.map(toClassification);
};

/** The two base64 letters for each value of 12 bits, as they are laid out in memory. */
const LETTERS = (() => {
  const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
  const letters = new Uint8Array(2 * 4096).map((_, at) => alphabet[(at & 1 ? at >> 1 : at >> 7) & 63] ?? 0);
  return new Uint16Array(letters.buffer);
})();

/** Pads with blanks, so that the base64 begins at an even offset. */
const even = (text: string) => Buffer.from(text.padStart(text.length + (text.length % 2)));
const HEAD = even(`{"instances":[{"${INPUT_NAME}":{"b64":"`);
const BETWEEN = even(`"}},{"${INPUT_NAME}":{"b64":"`);
const TAIL = Buffer.from('"}}]}');

const base64Length = (bytes: number) => Math.ceil(bytes / 3) * 4;

/** Writes a photo as base64, ten times as fast as Node, which makes a string first. */
const writeBase64 = (pixels: Uint8Array, body: Buffer, at: number): void => {
  const whole = pixels.length - (pixels.length % 3);
  const out = new Uint16Array(body.buffer, at, (whole / 3) * 2);
  for (let from = 0, to = 0; from < whole; from += 3, to += 2) {
    const bits = ((pixels[from] ?? 0) << 16) | ((pixels[from + 1] ?? 0) << 8) | (pixels[from + 2] ?? 0);
    out[to] = LETTERS[bits >> 12] ?? 0;
    out[to + 1] = LETTERS[bits & 4095] ?? 0;
  }
  body.write(Buffer.from(pixels.subarray(whole)).toString('base64'), at + (whole / 3) * 4, 'latin1');
};

const requestBody = (photos: readonly Uint8Array[]): Buffer => {
  const letters = photos.reduce((sum, { length }) => sum + base64Length(length), 0);
  const between = (photos.length - 1) * BETWEEN.length;
  const body = Buffer.allocUnsafeSlow(HEAD.length + letters + between + TAIL.length);
  let at = 0;
  for (const [index, pixels] of photos.entries()) {
    at += (index === 0 ? HEAD : BETWEEN).copy(body, at);
    writeBase64(pixels, body, at);
    at += base64Length(pixels.length);
  }
  TAIL.copy(body, at);
  return body;
};

/**
 * Classifies by a SageMaker endpoint. A photo is sent as base64 of raw RGB: 201 kB, where JSON numbers would be 600 or
 * more.
 *
 * @example
 * const client = new RuntimeClient({ endpoint, region: 'ap-northeast-2', credentials });
 * const classifier = createSageMakerClassifier({ client, endpointName: 'image-classifier', timeoutMs: 20_000 });
 * const [answer] = await classifier.classify([new Uint8Array(224 * 224 * 3)]);
 * answer.classes.length; // => 3
 */
export const createSageMakerClassifier = ({
  client,
  endpointName,
  timeoutMs,
}: SageMakerClassifierOptions): Classifier => ({
  async classify(photos, { signal, requestId } = {}) {
    const input = {
      EndpointName: endpointName,
      ContentType: 'application/json',
      Accept: 'application/json',
      Body: requestBody(photos),
      ...(requestId && { InferenceId: requestId.slice(0, INFERENCE_ID_LENGTH) }),
    };
    // The clock starts only now: time in the queue does not count.
    const call = new AbortController();
    const abort = () => call.abort();
    const timeout = setTimeout(abort, timeoutMs * (1 + (photos.length - 1) / (MAX_BATCH_SIZE - 1)));
    signal?.addEventListener('abort', abort);
    const response = await client
      .invoke(input, call.signal)
      .catch((error: unknown) => {
        signal?.throwIfAborted();
        throw toProblem(error, endpointName);
      })
      .finally(() => {
        clearTimeout(timeout);
        signal?.removeEventListener('abort', abort);
      });
    try {
      return parseResponse(response, photos.length);
    } catch (error) {
      throw new ProblemError('model-failed', "The model's answer has an unknown format. Report it.", {
        cause: error,
      });
    }
  },
});
