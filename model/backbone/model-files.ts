import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { errorText } from '../shared/text.ts';

/** A pretrained network that cannot serve as a backbone. */
export class BackboneError extends Error {
  override readonly name = 'BackboneError';

  /** @param directory the network's folder @param problem what is wrong, and what to use instead */
  constructor(directory: string, problem: string, options?: ErrorOptions) {
    super(`The backbone in ${directory} cannot be used: ${problem}`, options);
  }

  /** @param problem what failed; the cause says why @param remedy a sentence */
  static because(directory: string, problem: string, cause: unknown, remedy = ANOTHER): BackboneError {
    const [issue] = cause instanceof z.ZodError ? cause.issues : [];
    const reason = issue ? `${issue.path.join('.')}: ${issue.message}` : errorText(cause);
    return new BackboneError(directory, `${problem} (${reason}). ${remedy}`, { cause });
  }
}

export const ANOTHER = 'Use another network for image classification, such as MobileNet.';

/** Advice for a layers model that is not supported. */
export const AS_GRAPH =
  'Convert it as a graph model (tensorflowjs_converter --output_format=tfjs_graph_model), or use another network, such as MobileNet.';

/** Parts of TensorFlow's JsonGraphDef in the JSON mapping of protobuf, as TensorFlow.js keeps them in `model.json`. */

/** A 64-bit integer, which is a string in JSON. */
const integer = z.union([z.string(), z.number()]).transform(Number).pipe(z.int());

const attributeSchema = z.looseObject({
  /** Bytes, in base64. */
  s: z.string().exactOptional(),
  i: integer.exactOptional(),
  f: z.number().exactOptional(),
  b: z.boolean().exactOptional(),
  list: z
    .looseObject({ s: z.array(z.string()).exactOptional(), i: z.array(integer).exactOptional() })
    .exactOptional(),
  shape: z
    .looseObject({
      dim: z.array(z.looseObject({ size: integer.exactOptional() })).exactOptional(),
      unknownRank: z.boolean().exactOptional(),
    })
    .exactOptional(),
});

const nodeSchema = z.looseObject({
  name: z.string(),
  op: z.string(),
  input: z.array(z.string()).default([]),
  attr: z.record(z.string(), attributeSchema).default({}),
});

export const graphDefSchema = z.looseObject({ node: z.array(nodeSchema).min(1) });

export type JsonGraphDef = z.infer<typeof graphDefSchema>;
export type GraphDefNode = z.infer<typeof nodeSchema>;

/** The description of a TensorFlow.js model, in its folder. */
const MODEL_FILE = 'model.json';

const weightsManifest = z.array(
  z.object({
    // Only next to model.json.
    paths: z.array(z.string().regex(/^[\w.-]+$/, 'a weights file must be next to model.json')),
    weights: z.array(
      z.looseObject({
        name: z.string(),
        shape: z.array(z.int().min(0)),
        dtype: z.enum(['float32', 'int32', 'bool']),
        /** Weights may be quantized; TensorFlow.js restores them. */
        quantization: z
          .union([
            z.object({ dtype: z.enum(['uint8', 'uint16']), scale: z.number(), min: z.number() }),
            z.object({ dtype: z.literal('float16') }),
          ])
          .exactOptional(),
      }),
    ),
  }),
);

/** `modelTopology` of a layers model, as written by Keras's converter or TensorFlow.js. */
const layersTopology = z.union([
  z.looseObject({ model_config: z.looseObject({}) }),
  z.looseObject({ class_name: z.string(), config: z.unknown() }),
]);

const modelSchema = z.object({
  modelTopology: z.union([graphDefSchema, layersTopology], {
    error: 'neither the nodes of a graph model nor the configuration of a layers model',
  }),
  weightsManifest,
});

type Topology = JsonGraphDef | z.infer<typeof layersTopology>;

/** The files of a TensorFlow.js model. */
export interface ModelFiles {
  readonly directory: string;
  readonly topology: Topology;
  readonly weightSpecs: tf.io.WeightsManifestEntry[];
  readonly weightData: ArrayBuffer;
  /** SHA-256 of the files, in hexadecimal. */
  readonly hash: string;
}

const parse = (directory: string, text: string) => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new BackboneError(directory, `its ${MODEL_FILE} is not valid JSON.`, { cause });
  }
  const parsed = modelSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  throw new BackboneError(
    directory,
    `its ${MODEL_FILE} does not describe a TensorFlow.js model (${problems}).`,
  );
};

const BYTES: Readonly<Record<string, number>> = { uint8: 1, bool: 1, uint16: 2, float16: 2 };

const bytesPerNumber = ({ dtype, quantization }: tf.io.WeightsManifestEntry): number =>
  BYTES[quantization?.dtype ?? dtype] ?? 4;

/**
 * Reads a folder with `model.json` and its weights files.
 *
 * @throws BackboneError if it is not a TensorFlow.js model, or files are missing or truncated
 */
export const readModelFiles = async (directory: string): Promise<ModelFiles> => {
  const read = (name: string) =>
    readFile(path.join(directory, name)).catch((cause: unknown) => {
      throw new BackboneError(
        directory,
        `${name} cannot be read. Give a folder with ${MODEL_FILE} and its weights.`,
        { cause },
      );
    });
  const text = await read(MODEL_FILE);
  const { modelTopology, weightsManifest } = parse(directory, text.toString('utf8'));
  const shards = await Promise.all(weightsManifest.flatMap(({ paths }) => paths).map(read));
  const weightSpecs = weightsManifest.flatMap(({ weights }) => weights);
  const weights = Buffer.concat(shards);
  const expected = weightSpecs.reduce(
    (sum, spec) => sum + bytesPerNumber(spec) * tf.util.sizeFromShape(spec.shape),
    0,
  );
  if (weights.length !== expected) {
    throw new BackboneError(
      directory,
      `its weights have ${weights.length} bytes, not the ${expected} of ${MODEL_FILE}. Download it again.`,
    );
  }
  const hash = createHash('sha256').update(text).update(weights).digest('hex');
  return {
    directory,
    topology: modelTopology,
    weightSpecs,
    weightData: new Uint8Array(weights).buffer,
    hash,
  };
};
