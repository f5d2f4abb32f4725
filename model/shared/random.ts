/** A source of uniform numbers in [0, 1). */
export type Random = () => number;

/** A source whose position in its sequence can be saved, so that another run can continue from there. */
export interface SeededRandom extends Random {
  /** @returns the position in the sequence: 32 bits, signed */
  readonly position: () => number;
  /** Continues from a saved position. */
  readonly moveTo: (position: number) => void;
}

/**
 * The mulberry32 generator: 32 bits of state, enough for shuffles and augmentation, not for secrets.
 *
 * @example
 * seededRandom(7)() === seededRandom(7)(); // => true
 */
export const seededRandom = (seed: number): SeededRandom => {
  let state = seed | 0;
  const next = function mulberry32() {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return Object.assign(next, {
    position: () => state,
    moveTo: (position: number) => {
      state = position | 0;
    },
  });
};

/** Uniform in [low, high). */
export const uniform = (random: Random, low: number, high: number): number => low + (high - low) * random();

/** A shuffled copy (Fisher-Yates). */
export const shuffled = <T>(items: readonly T[], random: Random): T[] => {
  const copy = [...items];
  for (let end = copy.length - 1; end > 0; end--) {
    const chosen = Math.floor(random() * (end + 1));
    const [last] = copy.splice(chosen, 1);
    copy.push(...(last === undefined ? [] : [last]));
  }
  return copy;
};
