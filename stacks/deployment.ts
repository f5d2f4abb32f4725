import type { Configuration } from './config/schema.ts';
import { resourceNames, stackName } from './names.ts';

/** Account of the AWS Deep Learning Containers, in most regions. Source: "Available Deep Learning Containers images". */
const DEEP_LEARNING_CONTAINERS = '763104351884';

/**
 * ARNs and image addresses, composed from names. Attributes of a resource are unknown until it exists; composed ARNs
 * let a reviewer read every permission in the very first plan.
 */
const resourceArns = ({ region, account }: { readonly region: string; readonly account: string }) => {
  const arn = (service: string, resource: string): string =>
    `arn:aws:${service}:${region}:${account}:${resource}`;
  const registry = (owner: string): string => `${owner}.dkr.ecr.${region}.amazonaws.com`;
  return {
    accountRoot: `arn:aws:iam::${account}:root`,
    alarm: (name: string) => arn('cloudwatch', `alarm:${name}`),
    anyKey: arn('kms', 'key/*'),
    anyLoadBalancer: arn('elasticloadbalancing', 'loadbalancer/*'),
    bucket: (name: string) => `arn:aws:s3:::${name}`,
    objects: (name: string, prefix = '') => `arn:aws:s3:::${name}/${prefix}*`,
    budget: (name: string) => `arn:aws:budgets::${account}:budget/${name}`,
    buildProject: (name: string) => arn('codebuild', `project/${name}`),
    codeRepository: (name: string) => arn('codecommit', name),
    deepLearningContainers: (repository: string) =>
      `arn:aws:ecr:${region}:${DEEP_LEARNING_CONTAINERS}:repository/${repository}`,
    eventRule: (name: string) => arn('events', `rule/${name}`),
    imageRepository: (name: string) => arn('ecr', `repository/${name}`),
    logGroup: (name: string) => arn('logs', `log-group:${name}`),
    logStreams: (group: string) => arn('logs', `log-group:${group}:log-stream:*`),
    pipeline: (name: string) => arn('codepipeline', name),
    role: (name: string) => `arn:aws:iam::${account}:role/${name}`,
    sagemaker: (kind: string, name: string) => arn('sagemaker', `${kind}/${name}`),
    /** In ARNs, SageMaker writes the names of pipelines either in lower case or unchanged. */
    sagemakerPipelines: (name: string) =>
      [name, name.toLowerCase()].map((written) => arn('sagemaker', `pipeline/${written}`)),
    scalableTargets: arn('application-autoscaling', 'scalable-target/*'),
    /** Secrets Manager appends six random characters to the name. */
    secret: (name: string) => arn('secretsmanager', `secret:${name}-??????`),
    service: (cluster: string, name: string) => arn('ecs', `service/${cluster}/${name}`),
    taskDefinition: (family: string) => arn('ecs', `task-definition/${family}:*`),
    topic: (name: string) => arn('sns', name),
    tasks: (cluster: string) => arn('ecs', `task/${cluster}/*`),
    cluster: (name: string) => arn('ecs', `cluster/${name}`),
    image: (repository: string, tag: string) => `${registry(account)}/${repository}:${tag}`,
    registry: registry(account),
    imageRepositoryUrl: (repository: string) => `${registry(account)}/${repository}`,
    deepLearningContainer: (image: string) => `${registry(DEEP_LEARNING_CONTAINERS)}/${image}`,
  };
};

/** The part of the configuration that all constructs share; other settings are passed as props. */
export const createDeployment = (config: Configuration) => ({
  region: config.region,
  account: config.account,
  names: resourceNames(config),
  arns: resourceArns(config),
  /** Keeps Terraform from deleting load balancers, and buckets and registries that are not empty. */
  deletionProtection: config.deletionProtection,
  logRetentionDays: config.observability.logRetentionDays,
  /** CloudWatch namespace: keeps the metrics of an account's deployments apart. */
  metricsNamespace: `Bloomstack/${stackName(config)}`,
});

export type Deployment = Readonly<ReturnType<typeof createDeployment>>;
