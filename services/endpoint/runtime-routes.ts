import { Hono } from 'hono';
import { invoke } from './invocations.ts';
import type { ModelStore } from './model-store.ts';
import { ServingError } from './serving-error.ts';

/** The account that stands in messages of AWS; there is none here. */
const ACCOUNT = '000000000000';
const VARIANT = 'AllTraffic';

const awsError = (status: 400 | 424, type: string, body: object): Response =>
  Response.json(body, { status, headers: { 'x-amzn-ErrorType': type } });

/** What InvokeEndpoint makes of an error of the container: 424 with the container's status and words inside. */
const modelError = ({ status, message }: ServingError): Response => {
  const original = JSON.stringify({ error: message });
  return awsError(424, 'ModelError', {
    ErrorCode: 'CLIENT_ERROR_FROM_MODEL',
    LogStreamArn: '',
    Message: `Received client error (${status}) from primary with message "${original}".`,
    OriginalMessage: original,
    OriginalStatusCode: status,
  });
};

/**
 * SageMaker Runtime's InvokeEndpoint: `POST /endpoints/{name}/invocations`. Signatures are not checked: whoever reaches
 * this port may ask.
 *
 * @param endpointName the one endpoint that exists
 */
export const runtimeRoutes = (store: ModelStore, endpointName: string): Hono => {
  const routes = new Hono();
  routes.post('/:name/invocations', async (context) => {
    const name = context.req.param('name');
    if (name !== endpointName) {
      const message = `Endpoint ${name} of account ${ACCOUNT} not found.`;
      return awsError(400, 'ValidationError', { message });
    }
    try {
      const answer = await invoke(store, {
        body: await context.req.text(),
        contentType: context.req.header('Content-Type'),
        customAttributes: context.req.header('X-Amzn-SageMaker-Custom-Attributes'),
      });
      return context.json(answer, 200, { 'x-Amzn-Invoked-Production-Variant': VARIANT });
    } catch (error) {
      if (error instanceof ServingError) return modelError(error);
      throw error;
    }
  });
  return routes;
};
