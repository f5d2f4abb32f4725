import { z } from 'zod';
import { ENDPOINT_VARIANT } from '../../../model/contract/sagemaker-jobs.ts';
import { localArn } from '../storage/arn.ts';
import type { Model, Registry } from '../storage/registry.ts';
import { alreadyThere, inProgress, notFound } from './errors.ts';
import { name, type Operation, operation } from './operations.ts';
import { type Endpoint, nowInSeconds, type SageMakerState, tag } from './state.ts';

/** Makes a model answer; resolves when it does, and rejects with the reason when the one before stays. */
export type Serve = (model: Model) => Promise<void>;

export interface EndpointsOptions {
  readonly state: SageMakerState;
  readonly registry: Registry;
  readonly serve: Serve;
}

const named = z.object({ EndpointName: name });
const toConfig = named.extend({ EndpointConfigName: name });
const arnOf = (endpoint: string) => localArn(`endpoint/${endpoint}`);
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

export interface EndpointOperations {
  readonly operations: Record<string, Operation>;
  /** Resolves once nothing is under way. */
  readonly settled: () => Promise<void>;
}

/** The operations on endpoints. What CreateEndpoint and UpdateEndpoint begin goes on after their answer, as on AWS. */
export const endpointOperations = ({ state, registry, serve }: EndpointsOptions): EndpointOperations => {
  const { endpoints, endpointConfigs, tags } = state.contents;
  let underWay: Promise<void> = Promise.resolve();

  const find = (endpoint: string): Endpoint => {
    const found = endpoints[endpoint];
    if (!found) throw notFound('endpoint', endpoint);
    return found;
  };

  const variantOf = (config: string) => {
    const [variant] = endpointConfigs[config]?.ProductionVariants ?? [];
    if (!variant) throw notFound('endpoint-config', config);
    return variant;
  };

  const change = async (endpoint: string, to: Endpoint): Promise<void> => {
    endpoints[endpoint] = { ...to, LastModifiedTime: nowInSeconds() };
    await state.save();
  };

  /** @param before what the endpoint goes back to when the model cannot be served */
  const rollOut = async (
    endpoint: string,
    config: string,
    before: Endpoint | undefined,
    CreationTime: number,
  ): Promise<void> => {
    const { ModelName, InitialInstanceCount: instances } = variantOf(config);
    const settled = { config, instances, CreationTime, LastModifiedTime: nowInSeconds() };
    try {
      const model = await registry.describeModel(ModelName);
      if (!model) throw notFound('model', ModelName);
      await serve(model);
      await change(endpoint, { ...settled, status: 'InService' });
    } catch (error) {
      const failureReason = messageOf(error);
      const after: Endpoint = before ?? { ...settled, status: 'Failed' };
      await change(endpoint, { ...after, failureReason });
    }
  };

  /** One after the other: they all change the same folder. */
  const begin = (work: () => Promise<void>): void => {
    underWay = underWay.then(work);
  };

  const operations: Record<string, Operation> = {
    CreateEndpoint: operation(
      toConfig.extend({ Tags: z.array(tag).default([]) }),
      async ({ EndpointName, EndpointConfigName, Tags }) => {
        if (endpoints[EndpointName]) throw alreadyThere('endpoint', EndpointName);
        const { InitialInstanceCount: instances } = variantOf(EndpointConfigName);
        const CreationTime = nowInSeconds();
        tags[arnOf(EndpointName)] = Tags;
        await change(EndpointName, {
          status: 'Creating',
          config: EndpointConfigName,
          instances,
          CreationTime,
          LastModifiedTime: CreationTime,
        });
        begin(() => rollOut(EndpointName, EndpointConfigName, undefined, CreationTime));
        return { EndpointArn: arnOf(EndpointName) };
      },
    ),
    UpdateEndpoint: operation(toConfig, async ({ EndpointName, EndpointConfigName }) => {
      const { failureReason: _, ...before } = find(EndpointName);
      if (before.status !== 'InService') throw inProgress(EndpointName);
      variantOf(EndpointConfigName);
      variantOf(before.config);
      await change(EndpointName, { ...before, status: 'Updating', pending: EndpointConfigName });
      begin(() => rollOut(EndpointName, EndpointConfigName, before, before.CreationTime));
      return { EndpointArn: arnOf(EndpointName) };
    }),
    DescribeEndpoint: operation(named, ({ EndpointName }) => {
      const { status, config, pending, failureReason, instances, ...times } = find(EndpointName);
      return {
        EndpointName,
        EndpointArn: arnOf(EndpointName),
        EndpointConfigName: config,
        EndpointStatus: status,
        ...(pending !== undefined && { PendingDeploymentSummary: { EndpointConfigName: pending } }),
        ...(failureReason !== undefined && { FailureReason: failureReason }),
        ProductionVariants: [
          {
            VariantName: ENDPOINT_VARIANT,
            CurrentInstanceCount: instances,
            DesiredInstanceCount: instances,
          },
        ],
        ...times,
      };
    }),
    DeleteEndpoint: operation(named, async ({ EndpointName }) => {
      find(EndpointName);
      delete endpoints[EndpointName];
      delete tags[arnOf(EndpointName)];
      await state.save();
      return {};
    }),
  };
  return { operations, settled: () => underWay };
};
