import type { Split } from '../data/split.ts';
import { type TransferOptions, type TransferResult, trainTransfer } from '../transfer/train-transfer.ts';
import type { TrainedNetwork } from './trained-network.ts';

export interface OnBackboneOptions extends Omit<TransferOptions, 'train' | 'validation'> {
  /** What a report calls the backbone. */
  readonly name: string;
  /** Told of the trained head, which a later training may go on from. */
  readonly onTrained?: (result: TransferResult) => void;
}

/** Trains a small head on a pretrained network, which stays as it is. */
export const onBackbone =
  ({ name, onTrained, ...options }: OnBackboneOptions) =>
  async ({ train, validation }: Split): Promise<TrainedNetwork> => {
    const result = await trainTransfer({ ...options, train, validation });
    onTrained?.(result);
    const { network: write, history, parameters, side, observeTrained } = result;
    return { write, history, parameters, side, observeTrained, pretrained: { name, role: 'backbone' } };
  };
