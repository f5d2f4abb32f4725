import { trainHeadOnBackbone } from './head-on-backbone.ts';
import type { Strategy, StrategyInput } from './strategy.ts';
import { trainWholeNetwork } from './whole-network.ts';

/**
 * A pretrained network is a backbone unless it is asked for as a teacher, or an earlier model is a whole network, which
 * it then teaches. An earlier head goes on, on its backbone.
 *
 * @throws Error when an earlier head comes without a backbone
 */
export const chooseStrategy = (input: StrategyInput): Strategy => {
  const { earlier, pretrained, hyperparameters } = input;
  if (earlier?.kind === 'head') {
    if (pretrained) return trainHeadOnBackbone(input, pretrained, earlier);
    throw new Error(
      'The earlier model is a head on a pretrained network, which the channel pretrained does not hold. Give the network that it was trained on there.',
    );
  }
  if (pretrained && !earlier && hyperparameters.pretrainedRole === 'backbone')
    return trainHeadOnBackbone(input, pretrained, undefined);
  return trainWholeNetwork(input, earlier);
};
