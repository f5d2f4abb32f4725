import { Hono } from 'hono';
import { SIGNATURE_NAME } from '../../model/contract/tensors.ts';
import { dataTypeName } from '../../model/savedmodel/data-types.ts';
import type { TensorInfo } from '../../model/savedmodel/proto/tensorflow_pb.ts';
import type { ModelStore, ServedModel } from './model-store.ts';
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

const status = ({ version }: ServedModel) => ({
  model_version_status: [{ version, state: 'AVAILABLE', status: { error_code: 'OK', error_message: '' } }],
});

/** In the status API a missing model is told in other words than in the predict API. */
const findForStatus = (store: ModelStore, name: string, version?: string): ServedModel => {
  try {
    return store.find(name, version);
  } catch (error) {
    if (!(error instanceof ServingError)) throw error;
    const wanted = version === undefined ? '' : ` with version ${version}`;
    throw new ServingError(404, `Could not find any versions of model ${name}${wanted}`, { cause: error });
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
  routes.get('/:model{[^/:]+}', (context) =>
    context.json(status(findForStatus(store, context.req.param('model')))),
  );
  routes.get('/:model{[^/:]+}/metadata', (context) =>
    context.json(metadata(findForStatus(store, context.req.param('model')))),
  );
  routes.get('/:model{[^/:]+}/versions/:version{[0-9]+}', (context) => {
    const { model, version } = context.req.param();
    return context.json(status(findForStatus(store, model, version)));
  });
  routes.get('/:model{[^/:]+}/versions/:version{[0-9]+}/metadata', (context) => {
    const { model, version } = context.req.param();
    return context.json(metadata(findForStatus(store, model, version)));
  });
  routes.all('*', (context) => {
    throw invalidArgument(`Malformed request: ${context.req.method} ${context.req.path}`);
  });
  return routes;
};
