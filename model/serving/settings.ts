/** How TensorFlow Serving answers, on SageMaker and wherever else it serves our models: the one place of the numbers. */

/**
 * Photos of several requests are computed together. A machine with two cores answers about 40 photos a second
 * (model/jobs/deploy/settings.ts), and the application service waits for 1.5 s: what is queued or being
 * computed, `(maxEnqueuedBatches + numBatchThreads) * maxBatchSize`, must be done by then. What comes on top is refused
 * at once, which tells the caller to try again, where a longer queue would let all of them wait in vain.
 */
export const BATCHING = {
  /** Photos computed together at most. A request with more of them is refused. */
  maxBatchSize: 8,
  /** For how long a batch waits to be filled, in microseconds: little beside the 25 ms that one photo takes. */
  batchTimeoutMicros: 1_000,
  /** Batches computed side by side: one per core of the default machine. */
  numBatchThreads: 2,
  maxEnqueuedBatches: 4,
} as const;

/** Where Prometheus reads the metrics; TensorFlow Serving's own default, told outright. */
export const MONITORING_PATH = '/monitoring/prometheus/metrics';

/** The release of TensorFlow Serving that AWS's image of the configuration's default holds. */
export const TENSORFLOW_SERVING = '2.20.0';

/** How often TensorFlow Serving looks for new versions; the local stand-in does alike. */
export const POLL_SECONDS = 1;
