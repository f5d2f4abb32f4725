import { z } from 'zod';
import { readIfThere } from '../files.ts';
import type { OptMl } from '../opt-ml.ts';

/** SageMaker's description of the machines of a training job. */
const RESOURCES = '/opt/ml/input/config/resourceconfig.json';

const resourcesSchema = z.object({
  hosts: z.array(z.string()).default([]),
  current_instance_type: z.string().optional(),
});

/**
 * @returns the type of the machine, where SageMaker tells it
 * @throws Error when there are several, which would each do the same work
 */
export const readMachine = async (optMl: OptMl): Promise<string | undefined> => {
  const text = await readIfThere(optMl.at(RESOURCES));
  if (text === undefined) return undefined;
  const { hosts, current_instance_type: type } = resourcesSchema.parse(JSON.parse(text.toString()));
  if (hosts.length > 1) {
    throw new Error(
      `The job has ${hosts.length} machines, but the training uses one. Set InstanceCount to 1, and choose a larger InstanceType if it is too slow.`,
    );
  }
  return type;
};
