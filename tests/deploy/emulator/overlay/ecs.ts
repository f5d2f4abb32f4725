import { z } from 'zod';
import { AwsError, operation } from '../../../../scripts/aws-double/protocol.ts';
import {
  type Anything,
  anything,
  type MotoCall,
  type Overlay,
  Tags,
  tagMap,
  tagOperations,
} from './overlay.ts';

/** Input of CreateService and UpdateService that DescribeServices must return. */
const attributes = z.object({
  availabilityZoneRebalancing: z.string().optional(),
  capacityProviderStrategy: z.array(z.unknown()).optional(),
  deploymentConfiguration: z.unknown().optional(),
  enableECSManagedTags: z.boolean().optional(),
  enableExecuteCommand: z.boolean().optional(),
  healthCheckGracePeriodSeconds: z.int().optional(),
  propagateTags: z.string().optional(),
});
type Attributes = z.infer<typeof attributes>;

const service = z.looseObject({
  serviceArn: z.string(),
  status: z.string(),
  desiredCount: z.int(),
  launchType: z.string().optional(),
  taskDefinition: z.string().optional(),
  deployments: z.array(z.looseObject({})).default([]),
});
const one = z.looseObject({ service });
const many = z.looseObject({ services: z.array(service) });
const change = z.looseObject({ cluster: z.string().optional(), service: z.string() });

/** Moto runs no tasks, so a service would never become steady. Here its tasks start at once. */
const steady = ({ desiredCount, taskDefinition, deployments, ...rest }: z.infer<typeof service>) => ({
  ...rest,
  desiredCount,
  taskDefinition,
  runningCount: desiredCount,
  pendingCount: 0,
  deployments: deployments.map((deployment) => ({
    ...deployment,
    taskDefinition,
    desiredCount,
    runningCount: desiredCount,
    pendingCount: 0,
    rolloutState: 'COMPLETED',
  })),
});

const capabilities = z.looseObject({
  add: z.array(z.string()).default([]),
  drop: z.array(z.string()).default([]),
});
const container = z.looseObject({
  linuxParameters: z.looseObject({ capabilities: capabilities.optional() }).optional(),
});
/** ECS returns both lists of capabilities, even if a definition has only one. */
const definition = z.looseObject({
  taskDefinition: z.looseObject({ containerDefinitions: z.array(container) }),
});

/** Moto drops several attributes of services. */
export const ecs = (): Overlay => {
  const requests = new Map<string, Attributes>();
  const full = (found: z.infer<typeof service>) => {
    const stored = requests.get(found.serviceArn);
    const { launchType, ...rest } = steady(found);
    // A service has a launch type or a strategy; with a strategy, moto reports EC2.
    return { ...rest, ...(stored?.capacityProviderStrategy?.length ? {} : { launchType }), ...stored };
  };
  const store = async (name: string, input: Anything, earlier: Attributes, { send }: MotoCall) => {
    const answer = one.parse(await send(name, input));
    requests.set(answer.service.serviceArn, { ...earlier, ...attributes.parse(input) });
    return { ...answer, service: full(answer.service) };
  };
  const describe = async (input: Anything, { send }: MotoCall) => {
    const answer = many.parse(await send('DescribeServices', input));
    return { ...answer, services: answer.services.map(full) };
  };
  return {
    service: 'AmazonEC2ContainerServiceV20141113',
    operations: {
      CreateService: operation(anything, (input, call) => store('CreateService', input, {}, call)),
      UpdateService: operation(change, async (input, call) => {
        const { services } = await describe({ cluster: input.cluster, services: [input.service] }, call);
        return store('UpdateService', input, requests.get(services[0]?.serviceArn ?? '') ?? {}, call);
      }),
      DescribeServices: operation(anything, describe),
      ...Object.fromEntries(
        ['RegisterTaskDefinition', 'DescribeTaskDefinition'].map((name) => [
          name,
          operation(anything, async (input, { send }) => definition.parse(await send(name, input))),
        ]),
      ),
    },
  };
};

const scalableTarget = z.looseObject({ Tags: tagMap.default({}) });
const registeredTarget = z.object({ ScalableTargetARN: z.string() });

/** Moto drops the tags of scalable targets. */
export const applicationAutoscaling = (): Overlay => {
  const tags = new Tags();
  return {
    service: 'AnyScaleFrontendService',
    operations: {
      RegisterScalableTarget: operation(scalableTarget, async (input, { send }) => {
        const answer = registeredTarget.parse(await send('RegisterScalableTarget', input));
        tags.add(answer.ScalableTargetARN, input.Tags);
        return answer;
      }),
      ...tagOperations(tags, {
        arn: 'ResourceARN',
        tags: 'Tags',
        keys: 'TagKeys',
        asMap: true,
        notFound: (arn) => new AwsError('ResourceNotFoundException', `No scalable target ${arn}`),
      }),
    },
  };
};
