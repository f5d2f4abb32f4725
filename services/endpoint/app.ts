import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Logger } from 'pino';
import { SIGNATURE_NAME } from '../../model/contract/tensors.ts';
import { dataTypeName } from '../../model/savedmodel/graph.ts';
import type { TensorInfo } from '../../model/savedmodel/proto/tensorflow_pb.ts';
import { accessLog } from '../http/app.ts';
import { invalidArgument, ServingError } from './errors.ts';
import { invocationRoutes } from './invocations.ts';
import type { ModelStore, ServedModel, VersionStatus } from './models.ts';
import { predict } from './predict.ts';

/** protobuf's JSON encoding writes 64-bit integers as strings. */
const tensorInfo = ({ name, dtype, tensorShape }: TensorInfo) => ({
  dtype: dataTypeName(dtype),
  tensor_shape: {
    dim: (tensorShape?.dim ?? []).map(({ size }) => ({ size: String(size), name: '' })),
    unknown_rank: tensorShape?.unknownRank ?? false,
  },
  name,
});

const tensorInfos = (tensors: Record<string, TensorInfo>) =>
  Object.fromEntries(Object.entries(tensors).map(([name, info]) => [name, tensorInfo(info)]));

const modelMetadata = ({ name, version, runner: { signature } }: ServedModel) => ({
  model_spec: { name, signature_name: '', version },
  metadata: {
    signature_def: {
      signature_def: {
        [SIGNATURE_NAME]: {
          inputs: tensorInfos(signature.inputs),
          outputs: tensorInfos(signature.outputs),
          method_name: signature.methodName,
        },
      },
    },
  },
});

const modelStatus = (versions: readonly VersionStatus[]) => ({
  model_version_status: versions.map(({ version, state, error = '' }) => ({
    version,
    state,
    status: { error_code: error === '' ? 'OK' : 'UNKNOWN', error_message: error },
  })),
});

const noVersion = (name: string, version: string | undefined, cause?: unknown) =>
  new ServingError(
    404,
    `Could not find any versions of model ${name}${version === undefined ? '' : ` with version ${version}`}`,
    { cause },
  );

const findStatus = (store: ModelStore, name: string, wanted?: string) => {
  const versions = store.statuses(name).filter(({ version }) => wanted === undefined || version === wanted);
  if (versions.length === 0) throw noVersion(name, wanted);
  return modelStatus(versions);
};

/** Outside the predict API, TensorFlow Serving words a missing model differently. */
const findMetadata = (store: ModelStore, name: string, version?: string) => {
  try {
    return modelMetadata(store.find(name, version));
  } catch (error) {
    if (!(error instanceof ServingError)) throw error;
    throw noVersion(name, version, error);
  }
};

const METHOD = /:predict$/;

/** TensorFlow Serving's REST API below `/v1/models` (github.com/tensorflow/serving, g3doc/api_rest.md). */
const servingRoutes = (store: ModelStore): Hono => {
  const routes = new Hono();
  routes.post('/:model{[^/:]+:predict}', async (context) => {
    const model = store.find(context.req.param('model').replace(METHOD, ''));
    return context.json(await predict(model, await context.req.text()));
  });
  routes.post('/:model{[^/:]+}/versions/:version{[0-9]+:predict}', async (context) => {
    const { model: name, version } = context.req.param();
    const model = store.find(name, version.replace(METHOD, ''));
    return context.json(await predict(model, await context.req.text()));
  });
  routes.get('/:model{[^/:]+}', (context) => context.json(findStatus(store, context.req.param('model'))));
  routes.get('/:model{[^/:]+}/metadata', (context) =>
    context.json(findMetadata(store, context.req.param('model'))),
  );
  routes.get('/:model{[^/:]+}/versions/:version{[0-9]+}', (context) => {
    const { model, version } = context.req.param();
    return context.json(findStatus(store, model, version));
  });
  routes.get('/:model{[^/:]+}/versions/:version{[0-9]+}/metadata', (context) => {
    const { model, version } = context.req.param();
    return context.json(findMetadata(store, model, version));
  });
  routes.all('*', (context) => {
    throw invalidArgument(`Malformed request: ${context.req.method} ${context.req.path}`);
  });
  return routes;
};

export interface EndpointAppOptions {
  readonly store: ModelStore;
  readonly endpointName: string;
  readonly log: Logger;
}

/** The largest body that InvokeEndpoint accepts, in bytes. */
export const MAX_INVOCATION_BYTES = 6 * 1024 * 1024;

const JSON_TYPE = { 'Content-Type': 'application/json' };

const respond = (status: number, message: string): Response =>
  new Response(JSON.stringify({ error: message }), { status, headers: JSON_TYPE });

/**
 * An emulator of a SageMaker endpoint: serves the SavedModel that would go to AWS, over the three protocols used there:
 * SageMaker Runtime, the hosting contract of containers, and TensorFlow Serving's REST API.
 *
 * @example
 * const app = createEndpointApp({ store: new ModelStore({ models: [] }), endpointName: 'image-classifier', log });
 * (await app.request('/ping')).status; // => 200
 */
export const createEndpointApp = ({ store, endpointName, log }: EndpointAppOptions): Hono => {
  const app = new Hono();
  app.use(accessLog({ log }));
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
  app.route('/', invocationRoutes({ store, endpointName }));
  app.route('/v1/models', servingRoutes(store));
  app.notFound((context) => respond(404, `There is no ${context.req.method} ${context.req.path} here.`));
  return app;
};
