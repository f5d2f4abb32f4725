import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Logger } from 'pino';
import { accessLog } from '../http/access-log.ts';
import { invoke } from './invocations.ts';
import type { ModelStore } from './model-store.ts';
import { runtimeRoutes } from './runtime-routes.ts';
import { ServingError } from './serving-error.ts';
import { servingRoutes } from './serving-routes.ts';

export interface EndpointOptions {
  readonly store: ModelStore;
  readonly endpointName: string;
  readonly log: Logger;
}

/** The largest body that InvokeEndpoint takes, in bytes. */
export const MAX_INVOCATION_BYTES = 6 * 1024 * 1024;

const JSON_TYPE = { 'Content-Type': 'application/json' };

const respond = (status: number, message: string): Response =>
  new Response(JSON.stringify({ error: message }), { status, headers: JSON_TYPE });

/**
 * A stand-in for a SageMaker endpoint: the very SavedModel behind the three protocols by which it is reached on AWS,
 * SageMaker Runtime, the hosting contract of containers, and TensorFlow Serving's REST API.
 */
export const createEndpointApp = ({ store, endpointName, log }: EndpointOptions): Hono => {
  const app = new Hono();
  app.use(accessLog(log));
  app.use(
    bodyLimit({
      maxSize: MAX_INVOCATION_BYTES,
      onError: () => {
        throw new ServingError(413, `HTTP content length exceeded ${MAX_INVOCATION_BYTES} bytes.`);
      },
    }),
  );
  app.onError((error) => {
    if (error instanceof ServingError) return respond(error.status, error.message);
    log.error({ err: error }, 'unexpected error');
    return respond(500, 'The model failed. See the log of the endpoint.');
  });
  app.get('/ping', (context) => context.body(null, 200));
  app.post('/invocations', async (context) => {
    const answer = await invoke(store, {
      body: await context.req.text(),
      contentType: context.req.header('Content-Type'),
      customAttributes: context.req.header('X-Amzn-SageMaker-Custom-Attributes'),
    });
    return Response.json(answer);
  });
  app.route('/endpoints', runtimeRoutes(store, endpointName));
  app.route('/v1/models', servingRoutes(store));
  app.notFound((context) => respond(404, `There is no ${context.req.method} ${context.req.path} here.`));
  return app;
};
