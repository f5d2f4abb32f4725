import type { FeaturesAndLogits } from '../calibration/observe.ts';
import type { NetworkWriter } from '../savedmodel/serving-graph.ts';
import type { EpochResult } from '../training/progress.ts';

/** What a pretrained network is to a training: its frozen first part, or a teacher that is gone afterwards. */
export type PretrainedRole = 'backbone' | 'teacher';

/** A network that is trained, in whatever way. */
export interface TrainedNetwork {
  readonly write: NetworkWriter;
  /** At least one epoch. */
  readonly history: readonly EpochResult[];
  /** Weights of the whole network, and how many of them were trained. */
  readonly parameters: { readonly total: number; readonly trained: number };
  /** Side of the square to which a photo is brought before the first convolution, in pixels. */
  readonly side: number;
  /** The pretrained network that helped, if any. */
  readonly pretrained: { readonly name: string; readonly role: PretrainedRole } | null;
  /** What it makes of the photos that it was trained on, where that is known without another look at them. */
  readonly observeTrained?: (() => Promise<readonly FeaturesAndLogits[]>) | undefined;
}
