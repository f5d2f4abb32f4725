import { fromBinary } from '@bufbuild/protobuf';
import { SERVE_TAG, SIGNATURE_NAME } from '../contract/tensors.ts';
import { SavedModelError } from './errors.ts';
import { type NodeDef, SavedModelSchema, type SignatureDef } from './proto/tensorflow_pb.ts';

/** What a server needs of a SavedModel. */
export interface DecodedModel {
  readonly nodes: ReadonlyMap<string, NodeDef>;
  readonly signature: SignatureDef;
}

const parse = (bytes: Uint8Array) => {
  try {
    return fromBinary(SavedModelSchema, bytes);
  } catch (error) {
    throw new SavedModelError('This is not a saved_model.pb: its bytes are no SavedModel message.', {
      cause: error,
    });
  }
};

/**
 * Reads the bytes of a `saved_model.pb`.
 *
 * @throws SavedModelError when it is damaged, or has no graph tagged `serve` with the signature `serving_default`
 */
export const decodeSavedModel = (bytes: Uint8Array): DecodedModel => {
  const { metaGraphs } = parse(bytes);
  const metaGraph = metaGraphs.find(({ metaInfoDef }) => metaInfoDef?.tags.includes(SERVE_TAG));
  const signature = metaGraph?.signatureDef[SIGNATURE_NAME];
  if (!metaGraph?.graphDef || !signature) {
    throw new SavedModelError(
      `The SavedModel has no graph tagged "${SERVE_TAG}" with the signature "${SIGNATURE_NAME}".`,
    );
  }
  return { nodes: new Map(metaGraph.graphDef.node.map((node) => [node.name, node])), signature };
};
