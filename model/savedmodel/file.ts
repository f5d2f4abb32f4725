import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { MODEL_NAME, PREDICT_METHOD, SERVE_TAG, SIGNATURE_NAME } from '../contract/tensors.ts';
import { SavedModelError, shapeOf } from './graph.ts';
import { GraphDefSchema, type NodeDef, SavedModelSchema, type SignatureDef } from './proto/tensorflow_pb.ts';
import type { ServingGraph, SignatureTensor } from './serving-graph.ts';
import { splitWideConvolutions } from './wide-convolutions.ts';

/** The producer's release (tensorflow/core/public/version.h). All operations are older: any TensorFlow 2 loads it. */
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
 * Encodes a frozen SavedModel as `saved_model.pb`. It has no variables and no `variables/` folder, which TensorFlow
 * accepts (cc/saved_model/loader.cc: "has no variables").
 */
export const encodeSavedModel = ({ graph, inputs, outputs }: ServingGraph): Uint8Array => {
  const graphDef = create(GraphDefSchema, { node: graph.nodes, versions: VERSIONS });
  graphDef.node = splitWideConvolutions(graphDef.node);
  return toBinary(
    SavedModelSchema,
    create(SavedModelSchema, {
      savedModelSchemaVersion: 1n,
      metaGraphs: [
        {
          metaInfoDef: { tags: [SERVE_TAG], tensorflowVersion: TENSORFLOW_VERSION },
          graphDef,
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
};

/** The parts of a SavedModel that a server needs. */
export interface DecodedModel {
  readonly nodes: ReadonlyMap<string, NodeDef>;
  readonly signature: SignatureDef;
}

const parse = (bytes: Uint8Array) => {
  try {
    return fromBinary(SavedModelSchema, bytes);
  } catch (error) {
    throw new SavedModelError('This is not a saved_model.pb: it is not a SavedModel message.', {
      cause: error,
    });
  }
};

/**
 * Decodes a `saved_model.pb`.
 *
 * @throws SavedModelError if it is damaged, or has no graph tagged `serve` with the signature `serving_default`
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

/**
 * A version for TensorFlow Serving, which requires digits: the UTC time to the second.
 *
 * @example
 * versionAt(new Date('2026-01-02T03:04:05Z')); // => '20260102030405'
 */
export const versionAt = (time: Date): string => time.toISOString().replace(/\D/g, '').slice(0, 14);

/**
 * Writes `<directory>/image-classifier/<version>/saved_model.pb` and packs it into `<directory>/model.tar.gz`, in the
 * layout for TensorFlow Serving, the AWS tensorflow-inference image and the endpoint emulator.
 */
export const storeModel = async (
  directory: string,
  version: string,
  savedModel: Uint8Array,
): Promise<void> => {
  const folder = path.join(directory, MODEL_NAME, version);
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'saved_model.pb'), savedModel);
  await writeFile(path.join(directory, 'model.tar.gz'), await archive(directory, `${MODEL_NAME}/${version}`));
};

/** Reproducible: without times and owners, and compressed in one piece. */
const archive = async (directory: string, entry: string): Promise<Uint8Array> => {
  // Imported lazily, so that servers, which only read models, start faster.
  const tar = await import('tar');
  const options = { cwd: directory, portable: true, noMtime: true };
  return gzipSync(Buffer.concat(await tar.create(options, [entry]).collect()));
};

/** Whether a version is higher than another, as numbers. */
export const isNewer = (version: string, other: string): boolean => BigInt(version) > BigInt(other);

/**
 * The newest version, by TensorFlow Serving's default policy.
 *
 * @param names entries of the model's folder; only digits are versions
 *
 * @example
 * latestVersion(['9', '10', 'README.md']); // => '10'
 */
export const latestVersion = (names: readonly string[]): string | undefined =>
  names.filter((name) => /^\d+$/.test(name)).sort((a, b) => (isNewer(a, b) ? -1 : 1))[0];
