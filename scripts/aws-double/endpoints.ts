import { z } from 'zod';
import { ENDPOINT_VARIANT } from '../../model/contract/sagemaker-jobs.ts';
import type { createAutoscaling } from './autoscaling.ts';
import { type createEndpointConfigs, sageMakerName, sageMakerNames } from './endpoint-configs.ts';
import { type AwsCaller, arn, type Handler, invalid, operation, type Place } from './protocol.ts';
import {
  type AwsState,
  type Endpoint,
  type EndpointStatus,
  endpointTagList,
  isAnswering,
  isBusy,
} from './state.ts';

const named = z.strictObject({ EndpointName: sageMakerName });
const withConfig = named.extend({ EndpointConfigName: sageMakerName });
const creation = withConfig.extend({ Tags: endpointTagList.optional() });
const tagging = z.strictObject({ ResourceArn: z.string(), Tags: endpointTagList.min(1) });

/** The limits of blue/green updates in SageMaker's API reference. */
const seconds = z.int().min(0).max(3600);
const routing = z.discriminatedUnion('Type', [
  z.strictObject({ Type: z.literal('ALL_AT_ONCE'), WaitIntervalInSeconds: seconds }),
  z.strictObject({
    Type: z.literal('CANARY'),
    WaitIntervalInSeconds: seconds,
    CanarySize: z.strictObject({ Type: z.literal('INSTANCE_COUNT'), Value: z.int().min(1) }),
  }),
]);
const blueGreen = z
  .strictObject({
    TrafficRoutingConfiguration: routing,
    TerminationWaitInSeconds: seconds,
    MaximumExecutionTimeoutInSeconds: z.int().min(600).max(28_800),
  })
  .refine(
    ({ TrafficRoutingConfiguration, TerminationWaitInSeconds, MaximumExecutionTimeoutInSeconds }) =>
      MaximumExecutionTimeoutInSeconds >
      TrafficRoutingConfiguration.WaitIntervalInSeconds + TerminationWaitInSeconds,
    'MaximumExecutionTimeoutInSeconds must be larger than the waiting times',
  );
const alarms = z
  .array(z.strictObject({ AlarmName: z.string().min(1).max(255) }))
  .min(1)
  .max(10);
const update = withConfig.extend({
  RetainAllVariantProperties: z.boolean().default(false),
  DeploymentConfig: z.strictObject({
    BlueGreenUpdatePolicy: blueGreen,
    AutoRollbackConfiguration: z.strictObject({ Alarms: alarms }).default({ Alarms: [] }),
  }),
});

/** How a model is being rolled out. */
export interface Rollout {
  readonly endpoint: string;
  readonly alarms: readonly string[];
  /** How long they watch it. */
  readonly bakingSeconds: number;
}

/** The result of a rollout, and when it is reached. */
export interface RolloutOutcome {
  readonly succeeded: boolean;
  readonly seconds?: number;
  /** How long a rollback takes. */
  readonly rollbackSeconds?: number;
  readonly failureReason?: string | undefined;
}

/** Runs the models of the endpoints. */
export interface ModelHost {
  readonly has: (modelName: string) => boolean;
  /**
   * Replaces the model that answers. Rollouts run one after another.
   *
   * @returns `undefined` if it never ends
   */
  readonly serve: (modelName: string, rollout: Rollout) => Promise<RolloutOutcome | undefined>;
  /** Answers the body of an InvokeEndpoint call with an endpoint's model. */
  readonly invoke: (modelName: string, body: string, endpoint: string) => Promise<string>;
}

interface EndpointsOptions {
  readonly state: AwsState;
  readonly place: Place;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly host: ModelHost;
  readonly configs: ReturnType<typeof createEndpointConfigs>;
  readonly autoscaling: ReturnType<typeof createAutoscaling>;
  readonly deletionSeconds: number;
}

interface Transition {
  readonly name: string;
  readonly at: number;
  readonly apply: () => void;
}

/** SageMaker's endpoints, with its delays, rollbacks and refusals. */
export const createEndpoints = (options: EndpointsOptions) => {
  const { state, place, now, host, configs, autoscaling, deletionSeconds } = options;
  const { endpoints: all, tags } = state.contents;
  const { resourceArn, alreadyExists, notFound } = sageMakerNames(place);
  const endpointArn = (name: string) => resourceArn('endpoint', name);
  let transitions: Transition[] = [];
  let rollouts: Promise<void> = Promise.resolve();

  /** Applies the transitions that are due. */
  const tick = (): void => {
    const due = transitions.filter(({ at }) => at <= now()).sort((one, other) => one.at - other.at);
    transitions = transitions.filter((each) => !due.includes(each));
    for (const { apply } of due) apply();
  };
  /** @throws AwsError if there is no such endpoint */
  const get = (name: string): Endpoint => {
    tick();
    const found = all[name];
    if (!found) throw notFound('endpoint', name);
    return found;
  };
  /** @throws AwsError if the endpoint cannot be changed now */
  const changeable = (name: string): Endpoint => {
    const found = get(name);
    if (isBusy(found)) throw invalid(`Cannot update in-progress endpoint "${endpointArn(name)}".`);
    return found;
  };
  /** Adds an endpoint that is already in service. */
  const add = (name: string, config: string, start: Partial<Endpoint> = {}): void => {
    const CreationTime = now() / 1000;
    const instances = configs.variant(config).InitialInstanceCount;
    const times = { CreationTime, LastModifiedTime: CreationTime };
    all[name] = { status: 'InService', config, instances, ...times, ...start };
  };
  const set = (name: string, changes: Partial<Endpoint>): void => {
    all[name] = { ...get(name), ...changes, LastModifiedTime: now() / 1000 };
  };
  const settle = (name: string, changes: Partial<Endpoint>): void => {
    const { pending: _, failureReason: __, ...endpoint } = get(name);
    all[name] = endpoint;
    set(name, changes);
  };
  const remove = (name: string): void => {
    delete all[name];
    delete tags[endpointArn(name)];
  };
  const later = (name: string, seconds: number, apply: () => void): void => {
    transitions.push({ name, at: now() + seconds * 1000, apply });
  };
  /** Puts an endpoint into a status for a while, then into another. Cancels its other pending transitions. */
  const transition = (
    name: string,
    status: EndpointStatus,
    { seconds, next, pending }: { seconds: number; next: EndpointStatus | 'gone'; pending?: string },
  ): void => {
    const { config } = get(name);
    transitions = transitions.filter((each) => each.name !== name);
    set(name, { status, ...(pending !== undefined && { pending }) });
    later(name, seconds, () =>
      next === 'gone' ? remove(name) : settle(name, { status: next, config: pending ?? config }),
    );
  };
  /** Starts a rollout, which continues after the call is answered. */
  const rollOut = (next: Pick<Endpoint, 'config' | 'instances'>, rollout: Rollout): void => {
    const name = rollout.endpoint;
    const isNew = get(name).status === 'Creating';
    const { ModelName } = configs.variant(next.config);
    rollouts = rollouts.then(async () => {
      const outcome = await host.serve(ModelName, rollout);
      if (!outcome) return;
      const { succeeded, seconds = 0, rollbackSeconds = 0, failureReason } = outcome;
      const failure = failureReason === undefined ? {} : { failureReason };
      if (succeeded) later(name, seconds, () => settle(name, { ...next, status: 'InService' }));
      else if (isNew) later(name, seconds, () => settle(name, { ...failure, status: 'Failed' }));
      else {
        later(name, seconds, () => set(name, { status: 'RollingBack' }));
        later(name, seconds + rollbackSeconds, () => settle(name, { ...failure, status: 'InService' }));
      }
      tick();
      state.save();
    });
  };

  const operations = {
    CreateEndpoint: operation(creation, (input, caller: AwsCaller) => {
      const { EndpointName: name, EndpointConfigName: config, Tags } = input;
      const EndpointArn = endpointArn(name);
      caller.assertAllowed('sagemaker:CreateEndpoint', EndpointArn);
      caller.assertAllowed('sagemaker:CreateEndpoint', resourceArn('endpoint-config', config));
      if (Tags) caller.assertAllowed('sagemaker:AddTags', EndpointArn);
      tick();
      if (all[name]) throw alreadyExists('endpoint', name);
      add(name, config, { status: 'Creating', pending: config });
      tags[EndpointArn] = Tags ?? [];
      const { instances } = get(name);
      rollOut({ config, instances }, { endpoint: name, alarms: [], bakingSeconds: 0 });
      return { EndpointArn };
    }),
    UpdateEndpoint: operation(update, (input, caller: AwsCaller) => {
      const { EndpointName: name, EndpointConfigName: config, DeploymentConfig } = input;
      const EndpointArn = endpointArn(name);
      const { BlueGreenUpdatePolicy: policy, AutoRollbackConfiguration } = DeploymentConfig;
      const { TrafficRoutingConfiguration: traffic, TerminationWaitInSeconds } = policy;
      const alarmNames = AutoRollbackConfiguration.Alarms.map(({ AlarmName }) => AlarmName);
      caller.assertAllowed('sagemaker:UpdateEndpoint', EndpointArn);
      caller.assertAllowed('sagemaker:UpdateEndpoint', resourceArn('endpoint-config', config));
      for (const alarm of alarmNames)
        caller.assertAllowed('cloudwatch:DescribeAlarms', arn(place, 'cloudwatch', `alarm:${alarm}`));
      const endpoint = changeable(name);
      if (endpoint.status === 'Failed')
        throw invalid(`Cannot update endpoint "${EndpointArn}" in status Failed.`);
      const before = configs.variant(endpoint.config);
      const variant = configs.variant(config);
      const instances = input.RetainAllVariantProperties ? endpoint.instances : variant.InitialInstanceCount;
      if (traffic.Type === 'CANARY' && 2 * traffic.CanarySize.Value > instances)
        throw invalid("The canary must be at most 50% of the variant's total instance count.");
      if (before.InstanceType !== variant.InstanceType && autoscaling.find(name))
        throw invalid(
          `The variant ${ENDPOINT_VARIANT} must be deregistered as a scalable target before its instance type can be changed.`,
        );
      settle(name, { status: 'Updating', pending: config });
      const bakingSeconds = traffic.WaitIntervalInSeconds + TerminationWaitInSeconds;
      rollOut({ config, instances }, { endpoint: name, alarms: alarmNames, bakingSeconds });
      return { EndpointArn };
    }),
    DescribeEndpoint: operation(named, ({ EndpointName: name }, caller: AwsCaller) => {
      caller.assertAllowed('sagemaker:DescribeEndpoint', endpointArn(name));
      const { status, config, pending, failureReason, instances, ...times } = get(name);
      const counts = { CurrentInstanceCount: instances, DesiredInstanceCount: instances };
      return {
        EndpointName: name,
        EndpointArn: endpointArn(name),
        EndpointConfigName: config,
        EndpointStatus: status,
        ...(pending !== undefined && { PendingDeploymentSummary: { EndpointConfigName: pending } }),
        ...(failureReason !== undefined && { FailureReason: failureReason }),
        ProductionVariants: [{ VariantName: ENDPOINT_VARIANT, ...counts }],
        ...times,
      };
    }),
    DeleteEndpoint: operation(named, ({ EndpointName: name }, caller: AwsCaller) => {
      caller.assertAllowed('sagemaker:DeleteEndpoint', endpointArn(name));
      changeable(name);
      autoscaling.remove(name);
      transition(name, 'Deleting', { seconds: deletionSeconds, next: 'gone' });
      tick();
      return {};
    }),
    AddTags: operation(tagging, ({ ResourceArn, Tags }, caller: AwsCaller) => {
      caller.assertAllowed('sagemaker:AddTags', ResourceArn);
      get(ResourceArn.split('endpoint/')[1] ?? '');
      const keys = new Set(Tags.map(({ Key }) => Key));
      const others = (tags[ResourceArn] ?? []).filter(({ Key }) => !keys.has(Key));
      tags[ResourceArn] = [...others, ...Tags];
      return { Tags: tags[ResourceArn] };
    }),
  } satisfies Record<string, Handler<AwsCaller>>;

  return {
    operations,
    add,
    get,
    transition,
    /** The name of the model in service. */
    answering: (name: string): string | undefined => {
      tick();
      const found = all[name];
      return found && isAnswering(found) ? configs.variant(found.config).ModelName : undefined;
    },
    /** Resolves once no model is being loaded. */
    settled: () => rollouts,
  };
};
