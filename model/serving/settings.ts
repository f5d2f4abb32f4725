/**
 * Settings of TensorFlow Serving, on SageMaker and elsewhere. The configuration files in this folder are for your own
 * container; a test compares them with these numbers.
 */

/**
 * Photos of several requests are computed together. An instance with two cores answers about 40 photos per second
 * (model/jobs/deploy/settings.ts), and the application service waits for 1.5 s, so everything queued or being computed,
 * `(maxEnqueuedBatches + numBatchThreads) * maxBatchSize`, must be done by then. More is refused at once, so that the
 * caller retries; with a longer queue, all of them would wait in vain.
 */
export const BATCHING = {
  /** Maximum photos per batch. A request with more is refused. */
  maxBatchSize: 8,
  /** How long a batch waits to be filled, in microseconds: short compared with the 25 ms per photo. */
  batchTimeoutMicros: 1_000,
  /** Batches computed concurrently: one per core of the default instance. */
  numBatchThreads: 2,
  maxEnqueuedBatches: 4,
} as const;

/** The same settings as environment of the AWS tensorflow-inference image, which writes batching.config itself. */
export const servingEnvironment = (): Record<string, string> => ({
  SAGEMAKER_TFS_ENABLE_BATCHING: 'true',
  SAGEMAKER_TFS_MAX_BATCH_SIZE: String(BATCHING.maxBatchSize),
  SAGEMAKER_TFS_BATCH_TIMEOUT_MICROS: String(BATCHING.batchTimeoutMicros),
  SAGEMAKER_TFS_NUM_BATCH_THREADS: String(BATCHING.numBatchThreads),
  SAGEMAKER_TFS_MAX_ENQUEUED_BATCHES: String(BATCHING.maxEnqueuedBatches),
});
