export const REGION = 'ap-northeast-2';
export const ACCOUNT = '123456789012';

const arn = (service: string, resource: string): string =>
  `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;

export const endpointArn = (name: string): string => arn('sagemaker', `endpoint/${name}`);
export const configArn = (name: string): string => arn('sagemaker', `endpoint-config/${name}`);
export const modelArn = (name: string): string => arn('sagemaker', `model/${name}`);
export const modelPackageArn = (group: string, version: number): string =>
  arn('sagemaker', `model-package/${group}/${version}`);
export const alarmArn = (name: string): string => arn('cloudwatch', `alarm:${name}`);
export const SCALABLE_TARGET_ARN = arn('application-autoscaling', 'scalable-target/0ec5');
export const SCALING_ROLE_ARN = `arn:aws:iam::${ACCOUNT}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint`;
