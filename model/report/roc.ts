/** How well a score tells photos of the known classes (high) from others (low). */

/** A point of the curve: at one threshold, the share of known photos kept and of unknown ones kept. */
export interface RocPoint {
  readonly knownKept: number;
  readonly unknownKept: number;
}

/** Every threshold, from refusing all to keeping all (Fawcett 2006). */
export const rocCurve = (known: readonly number[], unknown: readonly number[]): RocPoint[] => {
  const thresholds = [...new Set([...known, ...unknown])].sort((a, b) => b - a);
  const share = (scores: readonly number[], threshold: number) =>
    scores.filter((score) => score >= threshold).length / scores.length;
  return [
    { knownKept: 0, unknownKept: 0 },
    ...thresholds.map((threshold) => ({
      knownKept: share(known, threshold),
      unknownKept: share(unknown, threshold),
    })),
  ];
};

/** The area under the curve: the chance that a known photo scores above an unknown one; ties count half. */
export const areaUnderRoc = (known: readonly number[], unknown: readonly number[]): number => {
  let sum = 0;
  for (const a of known) for (const b of unknown) sum += a > b ? 1 : a === b ? 0.5 : 0;
  return sum / (known.length * unknown.length);
};
