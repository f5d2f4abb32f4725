import type { LayersModel } from '@tensorflow/tfjs-layers';
import { Teacher } from '../backbone/teacher.ts';
import type { Split } from '../data/split.ts';
import { INPUT_SIZE } from '../network/network.ts';
import { layersNetwork } from '../savedmodel/export-layers.ts';
import { type TrainOptions, train } from '../training/train.ts';
import type { TrainedNetwork } from './trained-network.ts';

/** A pretrained TensorFlow.js model. */
export interface Pretrained {
  /** Holds `model.json` and its weights. */
  readonly directory: string;
  /** What a report calls it. */
  readonly name: string;
}

export interface FromScratchOptions extends Omit<TrainOptions, 'teacher'> {
  /** Trained in place. */
  readonly network: LayersModel;
  readonly classes: number;
  readonly teacher?: Pretrained | undefined;
}

/** Trains a whole network of our own, guided by a teacher if there is one. */
export const fromScratch =
  ({ network, classes, teacher: taughtBy, ...options }: FromScratchOptions) =>
  async ({ train: examples, validation }: Split): Promise<TrainedNetwork> => {
    const teacher = taughtBy && (await Teacher.load(taughtBy.directory, examples));
    const history = await train(network, classes, examples, validation, { ...options, teacher });
    const count = network.countParams();
    return {
      write: layersNetwork(network),
      history,
      parameters: { total: count, trained: count },
      side: INPUT_SIZE,
      pretrained: taughtBy ? { name: taughtBy.name, role: 'teacher' } : null,
    };
  };
