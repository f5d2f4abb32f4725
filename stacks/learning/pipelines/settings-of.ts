import { servingEnvironment } from '../../../model/serving/settings.ts';
import type { Deployment } from '../../deployment.ts';
import { endpointAlarmNames } from '../../observability/endpoint-alarms.ts';
import type { LearningRoles } from '../roles.ts';
import type { PipelineSettings } from './settings.ts';

/** The pipelines' settings, from the configuration. Roles go in by their ARNs, so that the first plan shows the definition. */
export const pipelineSettings = (
  { arns, config, names }: Deployment,
  roles: Pick<LearningRoles, 'training' | 'deploy' | 'serving'>,
): PipelineSettings => {
  const { learning } = config;
  return {
    region: config.region,
    datasetBucket: names.buckets.dataset,
    trainingImage: arns.image(names.learning.repository, learning.imageTag),
    servingImage: arns.deepLearningContainer(learning.servingImage),
    servingEnvironment: servingEnvironment(),
    roles: { training: roles.training.arn, deploy: roles.deploy.arn, serving: roles.serving.arn },
    trainingJobName: names.learning.trainingJob,
    trainingInstanceType: learning.trainingInstanceType,
    trainingSpot: learning.trainingSpot,
    trainingHours: learning.trainingHours,
    processingInstanceType: learning.processingInstanceType,
    modelPackageGroup: names.learning.modelPackageGroup,
    minAccuracy: learning.minAccuracy,
    endpointName: names.learning.endpoint,
    endpointInstanceType: learning.endpointInstanceType,
    endpointMinInstances: learning.endpointMinInstances,
    endpointMaxInstances: learning.endpointMaxInstances,
    rollbackAlarms: Object.values(endpointAlarmNames(names)),
  };
};
