import { z } from 'zod';
import type { Registry } from '../storage/registry.ts';
import { notFound } from './errors.ts';
import { name, type Operation, operation } from './operations.ts';

/** The operations on models; the pipeline's Model step makes them. */
export const modelOperations = (registry: Registry): Record<string, Operation> => ({
  DescribeModel: operation(z.object({ ModelName: name }), async ({ ModelName }) => {
    const model = await registry.describeModel(ModelName);
    if (!model) throw notFound('model', ModelName);
    return { ...model, CreationTime: Date.parse(model.CreationTime) / 1000 };
  }),
});
