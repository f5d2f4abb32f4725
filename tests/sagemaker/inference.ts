import { z } from 'zod';
import { INPUT_NAME, PHOTO_BYTES } from '../../model/contract/tensors.ts';
import { ACCOUNT } from './arns.ts';
import { AwsError } from './aws-error.ts';
import type { Endpoints } from './endpoints.ts';
import type { Models } from './models.ts';

const request = z.object({ EndpointName: z.string(), Body: z.string() });
const photo = z.string().refine((base64) => Buffer.from(base64, 'base64').length === PHOTO_BYTES);
const invocation = z.strictObject({
  instances: z.array(z.strictObject({ [INPUT_NAME]: z.strictObject({ b64: photo }) })).min(1),
});

const modelError = (): AwsError =>
  new AwsError('ModelError', 'Received client error (400) from primary.', {
    status: 424,
    fields: { OriginalStatusCode: 400, OriginalMessage: 'Invalid input', LogStreamArn: '' },
  });

/**
 * InvokeEndpoint: what the model on an endpoint answers to a photo. Its version is its name.
 *
 * @returns the body
 */
export const invoke = (endpoints: Endpoints, models: Models, input: unknown): string => {
  const { EndpointName: endpointName, Body: body } = request.parse(input);
  const modelName = endpoints.answering(endpointName);
  if (modelName === undefined)
    throw new AwsError('ValidationError', `Endpoint ${endpointName} of account ${ACCOUNT} not found.`);
  const { success, data } = invocation.safeParse(JSON.parse(body));
  if (!success) throw modelError();
  const { answer } = models.get(modelName);
  if (typeof answer === 'string') return answer;
  const prediction = {
    probabilities: [0.125, 0.75, 0.125],
    label: 'bellflower',
    classes: ['astilbe', 'bellflower', 'black_eyed_susan'],
    model_version: modelName,
    ...answer,
  };
  return JSON.stringify({ predictions: data.instances.map(() => prediction) });
};
