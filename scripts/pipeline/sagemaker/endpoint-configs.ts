import { z } from 'zod';
import { localArn } from '../storage/arn.ts';
import type { Registry } from '../storage/registry.ts';
import { alreadyThere, notFound } from './errors.ts';
import { name, type Operation, operation } from './operations.ts';
import { nowInSeconds, productionVariant, type SageMakerState } from './state.ts';

const named = z.object({ EndpointConfigName: name });

const arnOf = (config: string) => localArn(`endpoint-config/${config}`);

/** The operations on endpoint configurations. */
export const endpointConfigOperations = (
  state: SageMakerState,
  registry: Registry,
): Record<string, Operation> => ({
  CreateEndpointConfig: operation(
    named.extend({ ProductionVariants: z.array(productionVariant).length(1) }),
    async ({ EndpointConfigName, ProductionVariants }) => {
      const { endpointConfigs } = state.contents;
      if (endpointConfigs[EndpointConfigName]) throw alreadyThere('endpoint-config', EndpointConfigName);
      for (const { ModelName } of ProductionVariants)
        if (!(await registry.describeModel(ModelName))) throw notFound('model', ModelName);
      endpointConfigs[EndpointConfigName] = { ProductionVariants, CreationTime: nowInSeconds() };
      await state.save();
      return { EndpointConfigArn: arnOf(EndpointConfigName) };
    },
  ),
  DescribeEndpointConfig: operation(named, ({ EndpointConfigName }) => {
    const found = state.contents.endpointConfigs[EndpointConfigName];
    if (!found) throw notFound('endpoint-config', EndpointConfigName);
    return { EndpointConfigName, EndpointConfigArn: arnOf(EndpointConfigName), ...found };
  }),
  ListEndpointConfigs: operation(z.object({ NameContains: z.string().default('') }), ({ NameContains }) => ({
    EndpointConfigs: Object.entries(state.contents.endpointConfigs)
      .filter(([config]) => config.includes(NameContains))
      .map(([EndpointConfigName, { CreationTime }]) => ({
        EndpointConfigName,
        EndpointConfigArn: arnOf(EndpointConfigName),
        CreationTime,
      })),
  })),
  DeleteEndpointConfig: operation(named, async ({ EndpointConfigName }) => {
    const { endpointConfigs } = state.contents;
    if (!endpointConfigs[EndpointConfigName]) throw notFound('endpoint-config', EndpointConfigName);
    delete endpointConfigs[EndpointConfigName];
    await state.save();
    return {};
  }),
});
