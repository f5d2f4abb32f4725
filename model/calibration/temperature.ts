import type { Observation } from './observe.ts';

/** Softmax of logits / temperature. */
export const softmax = (logits: readonly number[], temperature: number): number[] => {
  const largest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp((logit - largest) / temperature));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
};

/** What the graph answers: the mean over a photo and its mirror image. */
export const probabilitiesAt = ({ logits }: Pick<Observation, 'logits'>, temperature: number): number[] => {
  const views = logits.map((view) => softmax(view, temperature));
  return (views[0] ?? []).map(
    (_, index) => views.reduce((sum, view) => sum + (view[index] ?? 0), 0) / views.length,
  );
};

/** Mean cross-entropy, in nats. */
export const lossAt = (observations: readonly Observation[], temperature: number): number =>
  observations.reduce((sum, observation) => {
    const share = probabilitiesAt(observation, temperature)[observation.label] ?? 0;
    return sum - Math.log(Math.max(share, 1e-12));
  }, 0) / observations.length;

const [COLDEST, HOTTEST] = [0.05, 10];
const GOLDEN = (Math.sqrt(5) - 1) / 2;
const STEPS = 40;

/**
 * The temperature whose probabilities fit best (Guo et al. 2017): the loss of held-out photos has one valley, which a
 * golden-section search on the logarithm descends into. The most probable class hardly ever changes: only the mean of
 * two views can tip.
 *
 * @param observations photos that were not trained on
 */
export const fitTemperature = (observations: readonly Observation[]): number => {
  const loss = (logarithm: number) => lossAt(observations, Math.exp(logarithm));
  let [low, high] = [Math.log(COLDEST), Math.log(HOTTEST)];
  for (let step = 0; step < STEPS; step++) {
    const [left, right] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
    if (loss(left) < loss(right)) high = right;
    else low = left;
  }
  const found = Math.exp((low + high) / 2);
  return lossAt(observations, found) < lossAt(observations, 1) ? found : 1;
};
