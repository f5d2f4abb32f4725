/** A point of the ROC curve: the shares of known and of unknown photos accepted at a threshold. */
interface RocPoint {
  readonly knownKept: number;
  readonly unknownKept: number;
}

/** How well a score separates photos of the known classes (high) from others (low) at each threshold (Fawcett 2006). */
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

/**
 * The area under the ROC curve: the probability that a known photo scores higher than an unknown one; ties count half.
 *
 * @example
 * areaUnderRoc([0.9, 0.8], [0.1, 0.85]); // => 0.75
 */
export const areaUnderRoc = (known: readonly number[], unknown: readonly number[]): number => {
  let sum = 0;
  for (const a of known) for (const b of unknown) sum += a > b ? 1 : a === b ? 0.5 : 0;
  return sum / (known.length * unknown.length);
};

/** An answer's confidence, and whether it was correct. */
export interface Judged {
  readonly confidence: number;
  readonly right: boolean;
}

/** Answers with similar confidence. */
interface ConfidenceBin {
  readonly confidence: number;
  /** Share of correct answers. */
  readonly accuracy: number;
  readonly count: number;
}

const BINS = 15;

/**
 * Sorts answers by confidence and divides them into bins of equal size. Bins of equal width would be almost empty
 * except for the last, because the confidence of a good model is almost always high.
 */
export const confidenceBins = (answers: readonly Judged[], bins = BINS): ConfidenceBin[] => {
  const sorted = answers.toSorted((a, b) => a.confidence - b.confidence);
  const cut = (bin: number) => Math.round((bin * sorted.length) / bins);
  return Array.from({ length: bins }, (_, bin) => sorted.slice(cut(bin), cut(bin + 1)))
    .filter((inside) => inside.length > 0)
    .map((inside) => ({
      confidence: inside.reduce((sum, { confidence }) => sum + confidence, 0) / inside.length,
      accuracy: inside.filter(({ right }) => right).length / inside.length,
      count: inside.length,
    }));
};

/** Expected calibration error (Naeini et al. 2015): the mean difference between confidence and accuracy over the bins. */
export const expectedCalibrationError = (bins: readonly ConfidenceBin[]): number => {
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  return bins.reduce(
    (sum, { confidence, accuracy, count }) => sum + (count / total) * Math.abs(confidence - accuracy),
    0,
  );
};

/** Standard normal quantile of a two-sided 95 % interval. */
const Z = 1.959964;

/**
 * Wilson's score interval of a share (Wilson 1927), which is accurate for small counts and shares near 1.
 *
 * @example
 * wilsonInterval(9, 10).map((share) => share.toFixed(3)); // => ['0.596', '0.982']
 */
export const wilsonInterval = (correct: number, count: number): [number, number] => {
  const p = correct / count;
  const centre = p + Z ** 2 / (2 * count);
  const margin = Z * Math.sqrt((p * (1 - p)) / count + Z ** 2 / (4 * count ** 2));
  const scale = 1 + Z ** 2 / count;
  return [Math.max(0, (centre - margin) / scale), Math.min(1, (centre + margin) / scale)];
};
