import type { PipelineSettings } from './pipelines.ts';

const role = (name: string) => `arn:aws:iam::000000000000:role/${name}`;

/** Settings for tests, with distinct values. */
export const PIPELINE_SETTINGS: PipelineSettings = {
  region: 'ap-northeast-2',
  datasetBucket: 'app-ml-dataset-test',
  trainingImage: '000000000000.dkr.ecr.ap-northeast-2.amazonaws.com/app-ml:initial',
  servingImage: '763104351884.dkr.ecr.ap-northeast-2.amazonaws.com/tensorflow-inference:2.20-cpu',
  servingEnvironment: { SAGEMAKER_TFS_ENABLE_BATCHING: 'true' },
  roles: {
    training: role('app-ml-training-role'),
    deploy: role('app-ml-deploy-role'),
    serving: role('app-ml-serving-role'),
  },
  trainingJobName: 'app-flower-classifier',
  trainingInstanceType: 'ml.g4dn.xlarge',
  trainingSpot: true,
  trainingHours: 4,
  processingInstanceType: 'ml.m5.large',
  modelPackageGroup: 'app-flower-models',
  minAccuracy: 0.9,
  approval: 'automatic',
  endpointName: 'image-classifier',
  endpointInstanceType: 'ml.c5.xlarge',
  endpointMinInstances: 1,
  endpointMaxInstances: 3,
  rollbackAlarms: ['app-endpoint-errors', 'app-endpoint-latency'],
};
