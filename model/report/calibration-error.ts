/** An answer: how sure the model was, and whether it was right. */
export interface Judged {
  readonly confidence: number;
  readonly right: boolean;
}

/** Answers of similar confidence. */
export interface ConfidenceBin {
  /** Mean confidence. */
  readonly confidence: number;
  /** Share of right answers. */
  readonly accuracy: number;
  readonly count: number;
}

const BINS = 15;

/**
 * Sorts answers by confidence and cuts them into bins of equally many. Bins of equal width would be empty but for the
 * last, because a good model is almost always sure.
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

/** Expected calibration error (Naeini et al. 2015): how far confidence and accuracy are apart, over the bins. */
export const expectedCalibrationError = (bins: readonly ConfidenceBin[]): number => {
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  return bins.reduce(
    (sum, { confidence, accuracy, count }) => sum + (count / total) * Math.abs(confidence - accuracy),
    0,
  );
};
