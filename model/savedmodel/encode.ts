import { create, toBinary } from '@bufbuild/protobuf';
import { PREDICT_METHOD, SERVE_TAG, SIGNATURE_NAME } from '../contract/tensors.ts';
import { shapeOf } from './attributes.ts';
import { SavedModelSchema } from './proto/tensorflow_pb.ts';
import type { ServingGraph, SignatureTensor } from './serving-graph.ts';

/**
 * The release whose operations the graph uses. Every one of them is older, so any TensorFlow 2 loads it; the graph
 * format's producer number is that of the same release (tensorflow/core/public/version.h).
 */
const TENSORFLOW_VERSION = '2.9.1';
const VERSIONS = { producer: 1087, minConsumer: 12 };

const tensorInfos = (tensors: Readonly<Record<string, SignatureTensor>>) =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { node, dtype, shape }]) => [
      name,
      { name: `${node}:0`, dtype, tensorShape: shapeOf(shape) },
    ]),
  );

/**
 * A frozen SavedModel: the bytes of `saved_model.pb`. It has no variables, hence no `variables/` folder, which
 * TensorFlow accepts (cc/saved_model/loader.cc: "has no variables").
 */
export const encodeSavedModel = ({ graph, inputs, outputs }: ServingGraph): Uint8Array =>
  toBinary(
    SavedModelSchema,
    create(SavedModelSchema, {
      savedModelSchemaVersion: 1n,
      metaGraphs: [
        {
          metaInfoDef: { tags: [SERVE_TAG], tensorflowVersion: TENSORFLOW_VERSION },
          graphDef: { node: graph.nodes, versions: VERSIONS },
          signatureDef: {
            [SIGNATURE_NAME]: {
              inputs: tensorInfos(inputs),
              outputs: tensorInfos(outputs),
              methodName: PREDICT_METHOD,
            },
          },
        },
      ],
    }),
  );
