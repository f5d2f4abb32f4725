import path from 'node:path';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { z } from 'zod';
import { buildNetwork } from '../training/network.ts';
import { decodeTensorFile, encodeTensorFile } from '../training/tensor-file.ts';
import { readValues, writeValues } from '../training/weights.ts';
import { readIfThere } from './files.ts';

/**
 * In the model's archive: the network before it was exported, in single precision, so that a later training can go on
 * from it. The SavedModel cannot serve for that: its weights are rounded, and its normalizations folded away.
 */
export const NETWORK_FILE = 'network.bin';

const FORMAT = 1;
const CLASSIFIER = 'logits';

const shapeSchema = z.object({ stem: z.int(), blocks: z.array(z.int()), dropout: z.number() });

/** What a network looks like, apart from its classes. */
export type NetworkShape = Readonly<z.infer<typeof shapeSchema>>;

const headerSchema = z.object({
  format: z.literal(FORMAT),
  labels: z.array(z.string()),
  shape: shapeSchema,
});

/** The weights of all layers but the classifier, and those of the classifier. */
const partsOf = (network: LayersModel) => {
  const classifier = new Set(network.getLayer(CLASSIFIER).weights);
  return {
    body: network.weights.filter((weight) => !classifier.has(weight)),
    classifier: [...classifier],
  };
};

export const encodeNetwork = async (
  network: LayersModel,
  labels: readonly string[],
  shape: NetworkShape,
): Promise<Uint8Array> => {
  const { body, classifier } = partsOf(network);
  const header: z.infer<typeof headerSchema> = {
    format: FORMAT,
    labels: [...labels],
    shape: { ...shape, blocks: [...shape.blocks] },
  };
  const groups = {
    body: await readValues(body.map((weight) => weight.read())),
    classifier: await readValues(classifier.map((weight) => weight.read())),
  };
  return encodeTensorFile({ header, groups });
};

/** A network to go on from. */
export interface EarlierNetwork {
  readonly labels: readonly string[];
  readonly shape: NetworkShape;
  /**
   * @param keepClassifier false: the layer that names the classes starts anew
   * @param seed of what starts anew
   */
  readonly build: (options: {
    readonly classes: number;
    readonly keepClassifier: boolean;
    readonly seed: number;
  }) => LayersModel;
}

/**
 * @param directory an unpacked model archive
 * @throws Error when no network can be read there
 */
export const readNetwork = async (directory: string): Promise<EarlierNetwork> => {
  const bytes = await readIfThere(path.join(directory, NETWORK_FILE));
  const content = bytes && decodeTensorFile(bytes);
  const header = headerSchema.safeParse(content?.header);
  if (!content || !header.success) {
    const problem = bytes ? 'is damaged, or of another version' : 'is missing';
    throw new Error(
      `The earlier model cannot be gone on from: ${NETWORK_FILE} ${problem} in its archive. Give a model that this image trained, or none, to start from scratch.`,
    );
  }
  const { labels, shape } = header.data;
  const { body = [], classifier = [] } = content.groups;
  return {
    labels,
    shape,
    build({ classes, keepClassifier, seed }) {
      const network = buildNetwork({ ...shape, classes, seed });
      const parts = partsOf(network);
      writeValues(parts.body, body);
      if (keepClassifier) writeValues(parts.classifier, classifier);
      return network;
    },
  };
};
