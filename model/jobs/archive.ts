import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { extract } from 'tar';
import { z } from 'zod';
import { MODEL_ARCHIVE } from '../contract/sagemaker-jobs.ts';
import {
  decodeWeightsFile,
  encodeWeightsFile,
  readValues,
  type WeightValues,
  writeValues,
} from '../network/weights.ts';
import { readdirIfExists, readFileIfExists } from '../shared/files.ts';
import { errorText } from '../shared/text.ts';

/**
 * Unpacks the model archive in a folder to a temporary folder, and runs `work` on that. Only files and folders are
 * unpacked.
 *
 * @returns undefined if the folder has no archive
 * @throws Error if the archive is damaged, or contains a path outside of it
 */
export const withArchive = async <T>(
  directory: string,
  work: (unpacked: string) => Promise<T>,
): Promise<T | undefined> => {
  const entries = await readdirIfExists(directory);
  if (!entries.some((entry) => entry.isFile() && entry.name === MODEL_ARCHIVE)) return undefined;
  const file = path.join(directory, MODEL_ARCHIVE);
  const unpacked = await mkdtemp(path.join(tmpdir(), 'model-'));
  try {
    await extract({
      file,
      cwd: unpacked,
      // Makes errors of what tar would only warn about and fix, such as `../`.
      strict: true,
      filter: (_, entry) => 'type' in entry && ['File', 'OldFile', 'Directory'].includes(entry.type),
    }).catch((cause: unknown) => {
      throw new Error(
        `${file} cannot be unpacked (${errorText(cause)}). Give a ${MODEL_ARCHIVE} as SageMaker stored it.`,
        { cause },
      );
    });
    return await work(unpacked);
  } finally {
    await rm(unpacked, { recursive: true, force: true });
  }
};

/**
 * In the model's archive: the trained weights in single precision, so that a later training can start from them. The
 * SavedModel is not suitable for that: its weights are rounded, and its normalizations folded.
 */
export const NETWORK_FILE = 'network.bin';

const FORMAT = 2;

const base = z.object({ labels: z.array(z.string()).readonly() });
const trainedSchema = z.discriminatedUnion('kind', [
  /** A whole network, and its architecture apart from the classes. */
  base.extend({
    kind: z.literal('network'),
    shape: z.object({ stem: z.int(), blocks: z.array(z.int()).readonly(), dropout: z.number() }),
  }),
  /** A head, and what determines its features. */
  base.extend({ kind: z.literal('head'), backbone: z.string() }),
  /** The last blocks of a backbone, and the classifier after them. */
  base.extend({ kind: z.literal('fine-tuned'), backbone: z.string(), blocks: z.int() }),
]);
const headerSchema = z.object({ format: z.literal(FORMAT) }).and(trainedSchema);

interface StoredWeights {
  /** Weights of all layers except the classifier. */
  readonly body: WeightValues;
  readonly classifier: WeightValues;
  /** Mean and scale of a head's features. */
  readonly standardization?: WeightValues;
}

/** A network that a training can start from. */
export type StoredNetwork = z.infer<typeof trainedSchema> & StoredWeights;

export const encodeNetwork = ({ body, classifier, standardization, ...header }: StoredNetwork): Uint8Array =>
  encodeWeightsFile({
    header: { format: FORMAT, ...header },
    groups: { body, classifier, ...(standardization && { standardization }) },
  });

/**
 * @param directory an unpacked model archive
 * @throws Error if there is no readable network
 */
export const readNetwork = async (directory: string): Promise<StoredNetwork> => {
  const bytes = await readFileIfExists(path.join(directory, NETWORK_FILE));
  const content = bytes && decodeWeightsFile(bytes);
  const header = headerSchema.safeParse(content?.header);
  if (!content || !header.success) {
    const problem = bytes ? 'is damaged, or of another version' : 'is missing';
    throw new Error(
      `The earlier model cannot be used: ${NETWORK_FILE} ${problem} in its archive. Give a model that this image trained, or none to start from scratch.`,
    );
  }
  const { body = [], classifier = [], standardization } = content.groups;
  return { ...header.data, body, classifier, ...(standardization && { standardization }) };
};

const partsOf = (network: LayersModel) => {
  const { weights } = network.getLayer('logits');
  return { body: network.weights.filter((weight) => !weights.includes(weight)), classifier: weights };
};

export const readWeights = async (network: LayersModel): Promise<StoredWeights> => {
  const { body, classifier } = partsOf(network);
  return {
    body: await readValues(body.map((weight) => weight.read())),
    classifier: await readValues(classifier.map((weight) => weight.read())),
  };
};

/**
 * Copies the weights of an earlier network to a new one, including the classifier's if the classes are the same.
 *
 * @throws Error if the weights have other sizes
 */
export const restoreWeights = (
  network: LayersModel,
  { body, classifier }: StoredWeights,
  keepClassifier: boolean,
): LayersModel => {
  const parts = partsOf(network);
  writeValues(parts.body, body);
  if (keepClassifier) writeValues(parts.classifier, classifier);
  return network;
};
