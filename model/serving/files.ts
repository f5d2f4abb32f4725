import { MODEL_NAME } from '../contract/tensors.ts';
import { BATCHING, MONITORING_PATH, POLL_SECONDS, TENSORFLOW_SERVING } from './settings.ts';
import { textProto } from './text-proto.ts';

const SOURCE = 'model/serving/settings.ts';

/** In the container of compose.yaml. */
const FOLDERS = { models: '/models', configuration: '/config' } as const;

const commented = (what: string, text: string) => `# ${what} Made from ${SOURCE}: change it there.\n${text}`;

/** A number that may be absent: google.protobuf.Int64Value. */
const optional = (value: number) => ({ value });

const models = textProto({
  model_config_list: {
    config: {
      name: MODEL_NAME,
      base_path: `${FOLDERS.models}/${MODEL_NAME}`,
      model_platform: 'tensorflow',
      // The newest version only, as SageMaker's and our own endpoint serve it.
      model_version_policy: { latest: { num_versions: 1 } },
    },
  },
});

const batching = textProto({
  max_batch_size: optional(BATCHING.maxBatchSize),
  batch_timeout_micros: optional(BATCHING.batchTimeoutMicros),
  num_batch_threads: optional(BATCHING.numBatchThreads),
  max_enqueued_batches: optional(BATCHING.maxEnqueuedBatches),
});

const monitoring = textProto({ prometheus_config: { enable: true, path: MONITORING_PATH } });

const compose = `# docker compose -f model/serving/compose.yaml up
# Then: curl http://127.0.0.1:8501/v1/models/${MODEL_NAME}
services:
  serving:
    image: tensorflow/serving:${TENSORFLOW_SERVING}
    # There is no other.
    platform: linux/amd64
    command:
      - --model_config_file=${FOLDERS.configuration}/models.config
      - --enable_batching=true
      - --batching_parameters_file=${FOLDERS.configuration}/batching.config
      - --monitoring_config_file=${FOLDERS.configuration}/monitoring.config
      - --file_system_poll_wait_seconds=${POLL_SECONDS}
    ports:
      - 127.0.0.1:8501:8501
    volumes:
      # Holds ${MODEL_NAME}/<version>/saved_model.pb.
      - \${MODEL_DIR:-../default}:${FOLDERS.models}:ro
      - .:${FOLDERS.configuration}:ro
`;

/** The configuration of a stand-alone TensorFlow Serving, by file name. */
export const servingFiles: Readonly<Record<string, string>> = {
  'models.config': commented('ModelServerConfig of TensorFlow Serving.', models),
  'batching.config': commented('BatchingParameters of TensorFlow Serving.', batching),
  'monitoring.config': commented('MonitoringConfig of TensorFlow Serving.', monitoring),
  'compose.yaml': commented('The stock TensorFlow Serving, with the model that ships.', compose),
};

/** The same for the AWS tensorflow-inference image, which writes such files itself from its environment. */
export const servingEnvironment = (): Record<string, string> => ({
  SAGEMAKER_TFS_ENABLE_BATCHING: 'true',
  SAGEMAKER_TFS_MAX_BATCH_SIZE: String(BATCHING.maxBatchSize),
  SAGEMAKER_TFS_BATCH_TIMEOUT_MICROS: String(BATCHING.batchTimeoutMicros),
  SAGEMAKER_TFS_NUM_BATCH_THREADS: String(BATCHING.numBatchThreads),
  SAGEMAKER_TFS_MAX_ENQUEUED_BATCHES: String(BATCHING.maxEnqueuedBatches),
});
