import { ENDPOINT } from '../services/contract.ts';
import type { Configuration } from './config/schema.ts';

const pascal = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

type Identity = Pick<Configuration, 'environment' | 'namePrefix' | 'nameSuffix' | 'account' | 'region'>;

/** The stack's name. Neither prefix nor suffix contains a hyphen, so it is unique. */
export const stackName = ({
  environment,
  namePrefix,
  nameSuffix,
}: Pick<Identity, 'environment' | 'namePrefix' | 'nameSuffix'>): string => {
  const prefix = namePrefix === 'app' && nameSuffix === '' ? '' : namePrefix;
  return ['bloomstack', environment, prefix, nameSuffix].filter(Boolean).join('-');
};

/** The state of a deployment: a file of the project, or an object in a bucket. */
export const stateNames = (identity: Identity) => {
  const { account, region } = identity;
  const stack = stackName(identity);
  return {
    file: `terraform.${stack}.${account}.${region}.tfstate`,
    key: `${stack}/${account}/${region}/terraform.tfstate`,
  };
};

/** The names of resources in AWS. By default they are exactly those in the architecture's description. */
export const resourceNames = (
  config: Pick<Configuration, 'namePrefix' | 'nameSuffix' | 'bucketSuffix' | 'account'>,
) => {
  const { namePrefix: prefix, nameSuffix, account } = config;
  const end = nameSuffix ? `-${nameSuffix}` : '';
  const bucketEnd = `${end}-${config.bucketSuffix || account}`;
  const named = (name: string): string => `${name}${end}`;
  const own = (name: string): string => named(`${prefix}-${name}`);

  const service = (short: 'web' | 'was') => ({
    repository: own(short),
    image: `${prefix}-${short}`,
    loadBalancer: own(`${short}-alb`),
    loadBalancerSecurityGroup: own(`${short}-alb-sg`),
    targetGroup: own(`${short}-alb-tg`),
    securityGroup: own(`${short}-sg`),
    taskDefinition: own(`${short}-td`),
    service: own(`${short}-service`),
    scalingPolicy: own(`${short}-asg-policy`),
    taskRole: named(`ecs${pascal(short)}TaskRole`),
    executionRole: named(`ecs${pascal(short)}ExecutionRole`),
    logGroup: `/ecs/${own(short)}`,
  });

  const pipeline = (short: 'web' | 'was' | 'ml') => ({
    source: own(short),
    build: named(`${prefix}${pascal(short)}Build`),
    pipeline: own(`${short}-pipeline`),
    pushRule: own(`${short}-push`),
    buildRole: own(`${short}-build-role`),
    pipelineRole: own(`${short}-pipeline-role`),
    startRole: own(`${short}-pipeline-start-role`),
    buildLogGroup: `/codebuild/${own(short)}`,
  });

  return {
    own,
    vpc: own('vpc'),
    cluster: named(`${pascal(prefix)}EcsCluster`),
    web: { ...service('web'), delivery: pipeline('web') },
    was: { ...service('was'), delivery: pipeline('was'), invokePolicy: named('InvokeSageMakerEndpoint') },
    clusterLogGroup: `/aws/ecs/containerinsights/${named(`${pascal(prefix)}EcsCluster`)}/performance`,
    flowLogGroup: `/vpc/${own('vpc')}`,
    flowLogRole: own('flow-log-role'),
    firewall: own('web-waf'),
    // WAF requires this prefix.
    firewallLogGroup: `aws-waf-logs-${own('web')}`,
    learning: {
      repository: own('ml'),
      delivery: pipeline('ml'),
      studio: own('sagemaker-studio'),
      userProfile: own('model-engineer'),
      modelPackageGroup: own('flower-classifier'),
      trainingJob: own('flower-classifier'),
      pipelines: {
        train: named(`${pascal(prefix)}MlPipeline-Train`),
        model: named(`${pascal(prefix)}MlPipeline-Model`),
        deploy: named(`${pascal(prefix)}MlPipeline-Deploy`),
      },
      endpoint: named(ENDPOINT.name),
      endpointLogGroup: `/aws/sagemaker/Endpoints/${named(ENDPOINT.name)}`,
      studioRole: own('sagemaker-studio-role'),
      pipelineRole: own('ml-pipeline-execution-role'),
      trainingRole: own('ml-training-role'),
      servingRole: own('ml-serving-role'),
      deployRole: own('ml-deploy-role'),
    },
    buckets: {
      dataset: `${prefix}-ml-dataset${bucketEnd}`,
      artifacts: `${prefix}-artifacts${bucketEnd}`,
      accessLogs: `${prefix}-access-logs${bucketEnd}`,
    },
    apiKeys: own('api-keys'),
    alarmTopic: own('alarms'),
    dashboard: own('dashboard'),
    budget: own('monthly'),
    alarm: (what: string): string => own(what),
  };
};

export type Names = ReturnType<typeof resourceNames>;

/** Names of the alarms that roll a new model back during its deployment. */
export const endpointAlarmNames = (names: Pick<Names, 'alarm'>) => ({
  errors: names.alarm('endpoint-errors'),
  latency: names.alarm('endpoint-latency'),
});
