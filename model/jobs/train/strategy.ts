import type { Pretrained } from '../../learn/from-scratch.ts';
import type { PretrainedRole, TrainedNetwork } from '../../learn/trained-network.ts';
import type { RunOptions } from '../../training/run-options.ts';
import type { Split } from '../../training/split.ts';
import type { EarlierNetwork } from '../network-file.ts';
import type { Hyperparameters } from './hyperparameters.ts';

/** What a training starts from, and how it is to go. */
export interface StrategyInput {
  readonly labels: readonly string[];
  readonly hyperparameters: Hyperparameters;
  readonly earlier: EarlierNetwork | undefined;
  readonly pretrained: (Pretrained & { readonly digest: string }) | undefined;
  readonly run: RunOptions;
  /** Where a backbone's features are kept, to go on from. */
  readonly featuresDirectory: string;
  readonly say: (text: string) => void;
}

/** A way to train. */
export interface Strategy {
  /** What the pretrained network is to this training; absent: there is none. */
  readonly pretrainedRole?: PretrainedRole;
  readonly train: (split: Split) => Promise<TrainedNetwork>;
  /** After the training: what a later one goes on from. */
  readonly encode: () => Promise<Uint8Array>;
}
