/** A seeded source of uniform numbers in [0, 1), so that a run can be repeated. */
export type Random = () => number;

/** The mulberry32 generator: 32 bits of state, enough for shuffles and augmentation, not for secrets. */
export const seededRandom = (seed: number): Random => {
  let state = seed | 0;
  return function mulberry32() {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
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
