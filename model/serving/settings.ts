/**
 * How TensorFlow Serving answers, on SageMaker and wherever else it serves our models. The configuration files beside this
 * one are for a container of one's own; a test holds them to these numbers.
 */

/**
 * Photos of several requests are computed together. An instance with two cores answers about 40 photos a second
 * (model/jobs/deploy-endpoint/environment.ts), and the application service waits for 1.5 s: what is queued or being
 * computed, `(maxEnqueuedBatches + numBatchThreads) * maxBatchSize`, must be done by then. What comes on top is refused
 * at once, so that the caller tries again, where a longer queue would let all of them wait in vain.
 */
export const BATCHING = {
  /** Photos computed together at most. A request with more of them is refused. */
  maxBatchSize: 8,
  /** For how long a batch waits to be filled, in microseconds: little beside the 25 ms that one photo takes. */
  batchTimeoutMicros: 1_000,
  /** Batches computed side by side: one per core of the default instance. */
  numBatchThreads: 2,
  maxEnqueuedBatches: 4,
} as const;

/** The same as the environment of the AWS tensorflow-inference image, which writes batching.config itself. */
export const servingEnvironment = (): Record<string, string> => ({
  SAGEMAKER_TFS_ENABLE_BATCHING: 'true',
  SAGEMAKER_TFS_MAX_BATCH_SIZE: String(BATCHING.maxBatchSize),
  SAGEMAKER_TFS_BATCH_TIMEOUT_MICROS: String(BATCHING.batchTimeoutMicros),
  SAGEMAKER_TFS_NUM_BATCH_THREADS: String(BATCHING.numBatchThreads),
  SAGEMAKER_TFS_MAX_ENQUEUED_BATCHES: String(BATCHING.maxEnqueuedBatches),
});
