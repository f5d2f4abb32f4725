import { Hono } from 'hono';
import { SIGNATURE_NAME } from '../../model/contract/tensors.ts';
import { dataTypeName } from '../../model/savedmodel/graph.ts';
import type { TensorInfo } from '../../model/savedmodel/proto/tensorflow_pb.ts';
import type { ModelStore, ServedModel, VersionStatus } from './model-store.ts';
import { predict } from './predict.ts';
import { invalidArgument, ServingError } from './serving-error.ts';

/** protobuf's JSON form writes 64-bit integers as strings. */
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

const metadata = ({ name, version, runner: { signature } }: ServedModel) => ({
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

const notFound = (name: string, version: string | undefined, cause?: unknown) =>
  new ServingError(
    404,
    `Could not find any versions of model ${name}${version === undefined ? '' : ` with version ${version}`}`,
    { cause },
  );

const findStatus = (store: ModelStore, name: string, wanted?: string) => {
  const versions = store.statuses(name).filter(({ version }) => wanted === undefined || version === wanted);
  if (versions.length === 0) throw notFound(name, wanted);
  return modelStatus(versions);
};

/** Beside the predict API, a missing model is told in other words. */
const findForMetadata = (store: ModelStore, name: string, version?: string): ServedModel => {
  try {
    return store.find(name, version);
  } catch (error) {
    if (!(error instanceof ServingError)) throw error;
    throw notFound(name, version, error);
  }
};

const METHOD = /:predict$/;

/** TensorFlow Serving's REST API below `/v1/models` (github.com/tensorflow/serving, g3doc/api_rest.md). */
export const servingRoutes = (store: ModelStore): Hono => {
  const routes = new Hono();
  routes.post('/:model{[^/:]+:predict}', async (context) => {
    const model = store.find(context.req.param('model').replace(METHOD, ''));
    return context.json(await predict(model, await context.req.text()));
  });
  routes.post('/:model{[^/:]+}/versions/:version{[0-9]+:predict}', async (context) => {
    const { model, version } = context.req.param();
    return context.json(
      await predict(store.find(model, version.replace(METHOD, '')), await context.req.text()),
    );
  });
  routes.get('/:model{[^/:]+}', (context) => context.json(findStatus(store, context.req.param('model'))));
  routes.get('/:model{[^/:]+}/metadata', (context) =>
    context.json(metadata(findForMetadata(store, context.req.param('model')))),
  );
  routes.get('/:model{[^/:]+}/versions/:version{[0-9]+}', (context) => {
    const { model, version } = context.req.param();
    return context.json(findStatus(store, model, version));
  });
  routes.get('/:model{[^/:]+}/versions/:version{[0-9]+}/metadata', (context) => {
    const { model, version } = context.req.param();
    return context.json(metadata(findForMetadata(store, model, version)));
  });
  routes.all('*', (context) => {
    throw invalidArgument(`Malformed request: ${context.req.method} ${context.req.path}`);
  });
  return routes;
};
