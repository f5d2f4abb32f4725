import { z } from 'zod';

/** Makes a rule the last one to be checked: of several broken rules, only the first message helps. */
export const first = (error: string) => ({ error, abort: true });

/** GPU families that SageMaker training offers today and CUDA 11 supports. ml.p2 and ml.p3 are retired. */
export const GPU_FAMILIES = ['g4dn', 'g5', 'g6', 'g6e', 'p4d', 'p4de', 'p5'];
const INSTANCE_TYPE = /^ml\.([a-z]\d[a-z0-9-]*)\.(medium|large|\d*xlarge)$/;
const instanceFamily = (type: string): string => INSTANCE_TYPE.exec(type)?.[1] ?? '';

/** A SageMaker instance type on which the project's images can start. */
export const instanceType = z
  .string()
  .refine((type) => instanceFamily(type) !== '', first('give a SageMaker instance type, such as ml.m5.large'))
  .refine(
    (type) => !['p2', 'p3', 'p3dn'].includes(instanceFamily(type)),
    first('ml.p2 and ml.p3 are retired, take ml.g4dn.xlarge'),
  )
  .refine(
    (type) => !/^[a-z]\dg/.test(instanceFamily(type)),
    first('that is an Arm instance and the images are built for x86-64, take one such as ml.m5.large'),
  );

/** A SageMaker instance type with a GPU that training can use. */
export const gpuInstanceType = instanceType.refine(
  (type) => GPU_FAMILIES.includes(instanceFamily(type)),
  first(
    `training needs a GPU, take a size of ${GPU_FAMILIES.map((family) => `ml.${family}`).join(', ')}, such as ml.g4dn.xlarge`,
  ),
);
