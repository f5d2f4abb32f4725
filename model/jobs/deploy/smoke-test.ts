import { InvokeEndpointCommand } from '@aws-sdk/client-sagemaker-runtime';
import { z } from 'zod';
import { INPUT_NAME, PHOTO_BYTES, predictionSchema } from '../../contract/tensors.ts';
import type { DeployContext } from './context.ts';

/** Rounding of float32. */
const TOLERANCE = 1e-3;

/** The row form of TensorFlow Serving's answer for one photo (model/contract/tensors.ts names the outputs). */
const answerSchema = z.object({
  predictions: z.tuple([
    predictionSchema.and(z.object({ label: z.string() })).check(({ value, issues }) => {
      const { probabilities, label, classes } = value;
      const wrong = (message: string) => issues.push({ code: 'custom', message, input: value });
      const sum = probabilities.reduce((total, each) => total + each, 0);
      const best = classes[probabilities.indexOf(Math.max(...probabilities))];
      if (new Set(classes).size !== classes.length) wrong('it names a class twice');
      if (Math.abs(sum - 1) > TOLERANCE) wrong(`its probabilities sum to ${sum}, not 1`);
      if (label !== best) wrong(`it calls the photo ${label}, although ${best} is likelier`);
    }),
  ]),
});

/** Every brightness in every colour, so that no model sees an empty picture. */
const photo = (): Buffer => Buffer.from(Uint8Array.from({ length: PHOTO_BYTES }, (_, index) => index % 251));

/** The endpoint does not answer as callers need it. */
export class SmokeTestError extends Error {
  override readonly name = 'SmokeTestError';
}

/** @throws SyntaxError for invalid JSON, which the texts in an answer are too */
const read = (body: string) => answerSchema.safeParse(JSON.parse(body));

const parse = (body: string) => {
  let answer: ReturnType<typeof read>;
  try {
    answer = read(body);
  } catch {
    throw new SmokeTestError('its answer is not valid JSON');
  }
  const { data, error } = answer;
  if (data) return data.predictions[0];
  const reasons = error.issues.map(({ path, message }) => [...path, message].join(' '));
  throw new SmokeTestError(`its answer is wrong: ${reasons.join('; ')}`);
};

/**
 * Asks the endpoint what is on a synthetic photo, as a service would.
 *
 * @returns the version that the model gives itself, and its classes
 * @throws SmokeTestError when it does not answer, or when its answer breaks the contract
 */
export const smokeTest = async ({ settings, clients }: DeployContext) => {
  const command = new InvokeEndpointCommand({
    EndpointName: settings.endpointName,
    ContentType: 'application/json',
    Accept: 'application/json',
    Body: JSON.stringify({ instances: [{ [INPUT_NAME]: { b64: photo().toString('base64') } }] }),
  });
  const response = await clients.runtime.send(command).catch((error: unknown) => {
    throw new SmokeTestError(`it does not answer: ${String(error)}`, { cause: error });
  });
  const { model_version: modelVersion, classes } = parse(Buffer.from(response.Body).toString('utf8'));
  return { modelVersion, classes };
};
