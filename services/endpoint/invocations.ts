import { Hono, type HonoRequest } from 'hono';
import { ServingError } from './errors.ts';
import type { ModelStore } from './models.ts';
import { predict } from './predict.ts';

/** The account that AWS's messages name; there is none here. */
const ACCOUNT = '000000000000';
const VARIANT = 'AllTraffic';

/** TensorFlow Serving's own JSON is passed through; any other JSON becomes the only instance. */
const toPredictBody = (body: string): string =>
  /"(instances|inputs|examples)"\s*:/.test(body) ? body : `{"instances":[${body}]}`;

/**
 * Answers JSON as the AWS tensorflow-inference image does without Python handlers (tensorflowServing.js in
 * github.com/aws/deep-learning-containers). That image accepts CSV and JSON lines too; this emulator does not.
 *
 * @throws ServingError 400 or 415
 */
const invoke = async (store: ModelStore, request: HonoRequest): Promise<unknown> => {
  const contentType = request.header('Content-Type');
  const mediaType = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json') {
    throw new ServingError(415, `Unsupported Media Type: ${contentType ?? 'Unknown'}`);
  }
  return predict(store.find(store.defaultName), toPredictBody(await request.text()));
};

const awsError = (status: 400 | 424, type: string, body: object): Response =>
  Response.json(body, { status, headers: { 'x-amzn-ErrorType': type } });

/** InvokeEndpoint's answer to an error of the container: 424 with the container's status and message inside. */
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

export interface InvocationRoutesOptions {
  readonly store: ModelStore;
  /** The one endpoint that InvokeEndpoint knows. */
  readonly endpointName: string;
}

/**
 * The hosting contract of containers, `GET /ping` and `POST /invocations`, and SageMaker Runtime's InvokeEndpoint,
 * `POST /endpoints/{name}/invocations`. Signatures are not checked.
 */
export const invocationRoutes = ({ store, endpointName }: InvocationRoutesOptions): Hono => {
  const routes = new Hono();
  routes.get('/ping', (context) => context.body(null, 200));
  routes.post('/invocations', async ({ req }) => Response.json(await invoke(store, req)));
  routes.post('/endpoints/:name/invocations', async (context) => {
    const name = context.req.param('name');
    if (name !== endpointName) {
      const message = `Endpoint ${name} of account ${ACCOUNT} not found.`;
      return awsError(400, 'ValidationError', { message });
    }
    try {
      const answer = await invoke(store, context.req);
      return Response.json(answer, { headers: { 'x-Amzn-Invoked-Production-Variant': VARIANT } });
    } catch (error) {
      if (error instanceof ServingError) return modelError(error);
      throw error;
    }
  });
  return routes;
};
