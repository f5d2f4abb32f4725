import { z } from 'zod';
import { endpointArn } from './arns.ts';
import { invalid } from './aws-error.ts';
import { Endpoint } from './endpoint.ts';
import type { EndpointConfigs } from './endpoint-configs.ts';
import type { Models } from './models.ts';
import type { Scaling } from './scaling.ts';
import { type UpdateInput, updateInput } from './update-input.ts';

const tags = z.array(z.strictObject({ Key: z.string().min(1).max(128), Value: z.string().max(256) }));
const createInput = z.strictObject({
  EndpointName: z.string(),
  EndpointConfigName: z.string(),
  Tags: tags.default([]),
});
const resource = z.strictObject({ ResourceArn: z.string() });
const addTagsInput = resource.extend({ Tags: tags.min(1) });
const oneInput = z.strictObject({ EndpointName: z.string() });

/** How long SageMaker takes for what. */
const SECONDS = { starting: 300, givingUp: 1500, alarm: 120, rollingBack: 90, deleting: 60 } as const;

const NOT_READY =
  'The primary container for production variant AllTraffic did not pass the ping health check. Please check CloudWatch logs for this endpoint.';

const nameIn = (arn: string): string => arn.split('endpoint/')[1] ?? '';

const demandRoomForCanary = ({ DeploymentConfig }: UpdateInput, instances: number): void => {
  const { TrafficRoutingConfiguration: routing } = DeploymentConfig.BlueGreenUpdatePolicy;
  if (routing.Type === 'CANARY' && 2 * routing.CanarySize.Value > instances)
    throw invalid("The canary must be at most 50% of the variant's total instance count.");
};

export interface EndpointsOptions {
  readonly models: Models;
  readonly configs: EndpointConfigs;
  readonly scaling: Scaling;
  readonly now: () => number;
}

/** Endpoints that take their time, roll back on alarms, and refuse what SageMaker refuses. */
export class Endpoints {
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #options: EndpointsOptions;
  /** SageMaker does not always say why it has rolled back. */
  givesReasons = true;
  /** Called when an endpoint begins to serve a configuration. */
  whenServed: (config: string) => void = () => undefined;

  constructor(options: EndpointsOptions) {
    this.#options = options;
    options.scaling.endpointExists = (name) => this.#endpoints.has(name);
  }

  /** An endpoint that has been there for long, in some status. */
  add(
    name: string,
    config: string,
    start: { readonly status?: string; readonly instances?: number; readonly failureReason?: string } = {},
  ): Endpoint {
    this.#options.configs.get(config);
    const endpoint = new Endpoint(
      { name, config, status: 'InService', instances: 1, ...start },
      this.#options.now,
    );
    this.#endpoints.set(name, endpoint);
    return endpoint;
  }

  /** Lets the endpoint be in a status for a while, and then in another one; what was planned before is off. */
  pass(name: string, status: string, seconds: number, then: string, config?: string): void {
    const endpoint = this.get(name);
    endpoint.status = status;
    endpoint.pending = config;
    endpoint.forgetPlans();
    endpoint.later(seconds, () => {
      endpoint.status = then;
      endpoint.config = config ?? endpoint.config;
      endpoint.pending = undefined;
      if (then === 'gone') this.#endpoints.delete(name);
    });
  }

  scaleTo(name: string, instances: number): void {
    this.get(name).instances = instances;
  }

  tags(name: string): Record<string, string> {
    return Object.fromEntries(this.get(name).tags);
  }

  /** @throws AwsError when there is none */
  get(name: string): Endpoint {
    this.#happen();
    const endpoint = this.#endpoints.get(name);
    if (!endpoint) throw invalid(`Could not find endpoint "${endpointArn(name)}".`);
    return endpoint;
  }

  /** Name of the model that answers. */
  answering(name: string): string | undefined {
    this.#happen();
    const endpoint = this.#endpoints.get(name);
    return endpoint?.answers ? this.#options.configs.get(endpoint.config).variant.ModelName : undefined;
  }

  readonly create = (input: unknown): object => {
    const { EndpointName: name, EndpointConfigName: config, Tags } = createInput.parse(input);
    this.#happen();
    const EndpointArn = endpointArn(name);
    if (this.#endpoints.has(name)) throw invalid(`Cannot create already existing endpoint "${EndpointArn}".`);
    const { variant } = this.#options.configs.get(config);
    const endpoint = this.add(name, config, { status: 'Creating', instances: variant.InitialInstanceCount });
    endpoint.pending = config;
    for (const { Key, Value } of Tags) endpoint.tags.set(Key, Value);
    const { container } = this.#options.models.get(variant.ModelName);
    if (container === 'ready') endpoint.later(SECONDS.starting, () => this.#serve(endpoint, config));
    if (container === 'broken') endpoint.later(SECONDS.givingUp, () => endpoint.fail(NOT_READY));
    return { EndpointArn };
  };

  readonly update = (input: unknown): object => {
    const request = updateInput.parse(input);
    const { EndpointName: name, EndpointConfigName: config, DeploymentConfig: how } = request;
    const endpoint = this.#changeable(name);
    if (endpoint.status === 'Failed')
      throw invalid(`Cannot update endpoint "${endpointArn(name)}" in status Failed.`);
    const before = this.#options.configs.get(endpoint.config).variant;
    const { variant } = this.#options.configs.get(config);
    const instances = request.RetainAllVariantProperties ? endpoint.instances : variant.InitialInstanceCount;
    demandRoomForCanary(request, instances);
    if (before.InstanceType !== variant.InstanceType && this.#options.scaling.has(name))
      throw invalid(
        'The variant AllTraffic must be deregistered as a scalable target before its instance type can be changed.',
      );
    endpoint.status = 'Updating';
    endpoint.pending = config;
    endpoint.failureReason = undefined;

    const { container, alarms } = this.#options.models.get(variant.ModelName);
    const { TrafficRoutingConfiguration: routing, TerminationWaitInSeconds } = how.BlueGreenUpdatePolicy;
    const baking = routing.WaitIntervalInSeconds + TerminationWaitInSeconds;
    const watched = (how.AutoRollbackConfiguration?.Alarms ?? []).map(({ AlarmName }) => AlarmName);
    const raised = alarms.find((alarm) => watched.includes(alarm));
    if (container === 'broken') this.#rollBack(endpoint, SECONDS.givingUp, NOT_READY);
    else if (container === 'ready' && raised !== undefined && baking > 0)
      this.#rollBack(endpoint, SECONDS.starting + SECONDS.alarm, `Alarm ${raised} is in state ALARM.`);
    else if (container === 'ready')
      endpoint.later(SECONDS.starting + baking, () => {
        endpoint.instances = instances;
        this.#serve(endpoint, config);
      });
    return { EndpointArn: endpointArn(name) };
  };

  readonly describe = (input: unknown): object => {
    const endpoint = this.get(oneInput.parse(input).EndpointName);
    const { name: EndpointName, pending, failureReason } = endpoint;
    return {
      EndpointName,
      EndpointArn: endpointArn(EndpointName),
      EndpointConfigName: endpoint.config,
      EndpointStatus: endpoint.status,
      ...(failureReason && { FailureReason: failureReason }),
      ...(pending && { PendingDeploymentSummary: { EndpointConfigName: pending } }),
      ProductionVariants: [
        {
          VariantName: 'AllTraffic',
          CurrentInstanceCount: endpoint.instances,
          DesiredInstanceCount: endpoint.instances,
        },
      ],
      CreationTime: 0,
      LastModifiedTime: this.#options.now() / 1000,
    };
  };

  readonly delete = (input: unknown): object => {
    const endpoint = this.#changeable(oneInput.parse(input).EndpointName);
    endpoint.status = 'Deleting';
    this.#options.scaling.drop(endpoint.name);
    endpoint.later(SECONDS.deleting, () => this.#endpoints.delete(endpoint.name));
    return {};
  };

  readonly addTags = (input: unknown): object => {
    const { ResourceArn, Tags } = addTagsInput.parse(input);
    const endpoint = this.get(nameIn(ResourceArn));
    for (const { Key, Value } of Tags) endpoint.tags.set(Key, Value);
    return { Tags };
  };

  readonly listTags = (input: unknown): object => {
    const { tags: found } = this.get(nameIn(resource.parse(input).ResourceArn));
    return { Tags: [...found].map(([Key, Value]) => ({ Key, Value })) };
  };

  #changeable(name: string): Endpoint {
    const endpoint = this.get(name);
    if (endpoint.isBusy) throw invalid(`Cannot update in-progress endpoint "${endpointArn(name)}".`);
    return endpoint;
  }

  #serve(endpoint: Endpoint, config: string): void {
    endpoint.serve(config);
    this.whenServed(config);
  }

  #rollBack(endpoint: Endpoint, seconds: number, reason: string): void {
    endpoint.later(seconds, () => {
      endpoint.status = 'RollingBack';
    });
    endpoint.later(seconds + SECONDS.rollingBack, () => {
      endpoint.failureReason = this.givesReasons ? reason : undefined;
      this.#serve(endpoint, endpoint.config);
    });
  }

  #happen(): void {
    for (const endpoint of this.#endpoints.values()) endpoint.happen();
  }
}
