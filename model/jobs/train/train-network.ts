import type { LayersModel } from '@tensorflow/tfjs-layers';
import { layersNetwork } from '../../savedmodel/export-layers.ts';
import type { Split } from '../../training/split.ts';
import { Teacher } from '../../training/teacher.ts';
import { type TrainOptions, train } from '../../training/train.ts';
import type { Hyperparameters } from './hyperparameters.ts';
import type { TrainedNetwork } from './learn.ts';
import type { Pretrained } from './pretrained.ts';

export interface TrainNetworkOptions {
  /** Trained in place. */
  readonly network: LayersModel;
  readonly classes: number;
  readonly pretrained: Pretrained | undefined;
  readonly hyperparameters: Hyperparameters;
  readonly training: Pick<TrainOptions, 'signal' | 'checkpoints' | 'onResume' | 'onEpoch'>;
}

/** Only those that are given: the others have the training's own defaults. */
const chosen = ({ epochs, batchSize, learningRate, firstSide }: Hyperparameters): TrainOptions => ({
  ...(epochs !== undefined && { epochs }),
  ...(batchSize !== undefined && { batchSize }),
  ...(learningRate !== undefined && { learningRate }),
  ...(firstSide !== undefined && { firstSide }),
});

/** Trains a network of layers, guided by the pretrained one if there is one. */
export const trainNetwork =
  ({ network, classes, pretrained, hyperparameters, training }: TrainNetworkOptions) =>
  async (split: Split): Promise<TrainedNetwork> => {
    const { seed, patience, balanced } = hyperparameters;
    const teacher = pretrained && (await Teacher.load(pretrained.directory, split.train));
    const history = await train(network, classes, split.train, split.validation, {
      ...chosen(hyperparameters),
      ...training,
      seed,
      patience,
      balanced,
      teacher,
      context: pretrained?.digest,
    });
    return {
      write: layersNetwork(network),
      history,
      parameters: network.countParams(),
      teacher: pretrained?.name ?? null,
    };
  };
