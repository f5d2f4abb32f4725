import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { extract } from 'tar';
import { z } from 'zod';
import { MODEL_ARCHIVE } from '../contract/sagemaker-jobs.ts';
import { readSplitManifest, type SplitManifest } from '../data/split.ts';
import { buildHead, type Standardization } from '../network/head.ts';
import { buildNetwork } from '../network/network.ts';
import {
  decodeWeightsFile,
  encodeWeightsFile,
  readValues,
  type WeightValues,
  writeValues,
} from '../network/weights.ts';
import { readdirIfExists, readFileIfExists } from '../shared/files.ts';
import { errorText } from '../shared/text.ts';

/** Whether a folder holds an archive of a model. */
export const containsArchive = async (directory: string): Promise<boolean> =>
  (await readdirIfExists(directory)).some((entry) => entry.isFile() && entry.name === MODEL_ARCHIVE);

/**
 * Runs `work` on what an archive holds. Only files and folders are unpacked, and none outside of a folder of their own.
 *
 * @param directory holds the archive
 * @throws Error when the archive is damaged, or names a path outside
 */
export const withArchive = async <T>(
  directory: string,
  work: (unpacked: string) => Promise<T>,
): Promise<T> => {
  const file = path.join(directory, MODEL_ARCHIVE);
  const unpacked = await mkdtemp(path.join(tmpdir(), 'model-'));
  try {
    await extract({
      file,
      cwd: unpacked,
      // Turns what tar would only warn of and fix, such as `../`, into an error.
      strict: true,
      filter: (_, entry) => 'type' in entry && ['File', 'OldFile', 'Directory'].includes(entry.type),
    }).catch((error: unknown) => {
      const reason = errorText(error);
      throw new Error(
        `${file} cannot be unpacked (${reason}). Give a ${MODEL_ARCHIVE} as SageMaker stored it.`,
        {
          cause: error,
        },
      );
    });
    return await work(unpacked);
  } finally {
    await rm(unpacked, { recursive: true, force: true });
  }
};

/**
 * In the model's archive: what was trained before it was exported, in single precision, so that a later training can start
 * from it. The SavedModel cannot serve for that: its weights are rounded, and its normalizations folded away.
 */
export const NETWORK_FILE = 'network.bin';

const FORMAT = 2;
const CLASSIFIER = 'logits';

const shapeSchema = z.object({ stem: z.int(), blocks: z.array(z.int()), dropout: z.number() });

/** What a whole network looks like, apart from its classes. */
export type NetworkShape = Readonly<z.infer<typeof shapeSchema>>;

const base = z.object({ format: z.literal(FORMAT), labels: z.array(z.string()) });
const headerSchema = z.discriminatedUnion('kind', [
  base.extend({ kind: z.literal('network'), shape: shapeSchema }),
  /** A head, and what decides the features that it was trained on. */
  base.extend({ kind: z.literal('head'), backbone: z.string() }),
  /** The last blocks of a backbone, and the classifier after them. */
  base.extend({ kind: z.literal('fine-tuned'), backbone: z.string(), blocks: z.int() }),
]);

/** What was trained, besides its weights. */
type TrainedKind =
  | { readonly kind: 'network'; readonly shape: NetworkShape }
  | { readonly kind: 'head'; readonly backbone: string; readonly standardization: Standardization };

/** The weights of all layers but the classifier, and those of the classifier. */
const splitClassifier = (network: LayersModel) => {
  const classifier = new Set(network.getLayer(CLASSIFIER).weights);
  return {
    body: network.weights.filter((weight) => !classifier.has(weight)),
    classifier: [...classifier],
  };
};

const buildHeader = (labels: readonly string[], trained: TrainedKind): z.infer<typeof headerSchema> => {
  const common: z.infer<typeof base> = { format: FORMAT, labels: [...labels] };
  if (trained.kind === 'head') return { ...common, kind: 'head', backbone: trained.backbone };
  const { shape } = trained;
  return { ...common, kind: 'network', shape: { ...shape, blocks: [...shape.blocks] } };
};

export const serializeNetwork = async (
  network: LayersModel,
  labels: readonly string[],
  trained: TrainedKind,
): Promise<Uint8Array> => {
  const { body, classifier } = splitClassifier(network);
  const groups = {
    body: await readValues(body.map((weight) => weight.read())),
    classifier: await readValues(classifier.map((weight) => weight.read())),
    ...(trained.kind === 'head' && {
      standardization: [trained.standardization.mean, trained.standardization.scale],
    }),
  };
  return encodeWeightsFile({ header: buildHeader(labels, trained), groups });
};

interface BuildOptions {
  readonly classes: number;
  /** False: the layer that names the classes starts from random weights. */
  readonly keepClassifier: boolean;
  /** Of random weights. */
  readonly seed: number;
}

/** The trained blocks of a backbone, and the classifier after them. */
export interface FineTunedBlocks {
  /** Names the backbone. */
  readonly backbone: string;
  readonly blocks: number;
  readonly body: WeightValues;
  readonly classifier: WeightValues;
}

export const serializeFineTuned = (
  labels: readonly string[],
  { backbone, blocks, body, classifier }: FineTunedBlocks,
): Uint8Array => {
  const header: z.infer<typeof headerSchema> = {
    ...{ format: FORMAT, labels: [...labels], kind: 'fine-tuned', backbone, blocks },
  };
  return encodeWeightsFile({ header, groups: { body, classifier } });
};

/** A network that a training starts from. */
export type EarlierNetwork = { readonly labels: readonly string[] } & (
  | (TrainedKind & {
      /** @throws Error when the weights are of other sizes */
      readonly build: (options: BuildOptions) => LayersModel;
    })
  | ({ readonly kind: 'fine-tuned' } & FineTunedBlocks)
);

const fillWeights = (
  network: LayersModel,
  groups: Readonly<Record<string, WeightValues>>,
  keepClassifier: boolean,
) => {
  const parts = splitClassifier(network);
  writeValues(parts.body, groups['body'] ?? []);
  if (keepClassifier) writeValues(parts.classifier, groups['classifier'] ?? []);
  return network;
};

/**
 * @param directory an unpacked model archive
 * @throws Error when no network can be read there
 */
export const readNetwork = async (directory: string): Promise<EarlierNetwork> => {
  const bytes = await readFileIfExists(path.join(directory, NETWORK_FILE));
  const content = bytes && decodeWeightsFile(bytes);
  const header = headerSchema.safeParse(content?.header);
  if (!content || !header.success) {
    const problem = bytes ? 'is damaged, or of another version' : 'is missing';
    throw new Error(
      `The earlier model cannot be used: ${NETWORK_FILE} ${problem} in its archive. Give a model that this image trained, or none, to start from scratch.`,
    );
  }
  const { groups } = content;
  const { labels, ...trained } = header.data;
  if (trained.kind === 'network') {
    const { kind, shape } = trained;
    const build = ({ classes, keepClassifier, seed }: BuildOptions) =>
      fillWeights(buildNetwork({ ...shape, classes, seed }), groups, keepClassifier);
    return { labels, kind, shape, build };
  }
  if (trained.kind === 'fine-tuned')
    return { labels, ...trained, body: groups['body'] ?? [], classifier: groups['classifier'] ?? [] };
  const { kind, backbone } = trained;
  const [mean = new Float32Array(), scale = new Float32Array()] = groups['standardization'] ?? [];
  const build = ({ classes, keepClassifier, seed }: BuildOptions) =>
    fillWeights(buildHead(mean.length, classes, { seed }), groups, keepClassifier);
  return { labels, kind, backbone, standardization: { mean, scale }, build };
};

/** A model that an earlier training made. */
interface EarlierModel {
  readonly network: EarlierNetwork;
  readonly seen: SplitManifest;
}

/** @returns nothing when the folder holds no archive */
export const readEarlierModel = async (directory: string): Promise<EarlierModel | undefined> => {
  if (!(await containsArchive(directory))) return undefined;
  return withArchive(directory, async (unpacked) => ({
    network: await readNetwork(unpacked),
    seen: await readSplitManifest(unpacked),
  }));
};
