import { z } from 'zod';

/** GPU families that SageMaker training offers today and CUDA 11 can drive. ml.p2 and ml.p3 are retired. */
export const GPU_FAMILIES = ['g4dn', 'g5', 'g6', 'g6e', 'p4d', 'p4de', 'p5'];
const INSTANCE_TYPE = /^ml\.([a-z]\d[a-z0-9-]*)\.(medium|large|\d*xlarge)$/;
const familyOf = (type: string): string => INSTANCE_TYPE.exec(type)?.[1] ?? '';

/** Of several rules that an instance type breaks, only the first helps. */
const rule = (error: string) => ({ error, abort: true });

/** A SageMaker machine on which the project's images can start. */
export const instanceType = z
  .string()
  .refine((type) => familyOf(type) !== '', rule('give a SageMaker instance type, such as ml.m5.large'))
  .refine(
    (type) => !['p2', 'p3', 'p3dn'].includes(familyOf(type)),
    rule('ml.p2 and ml.p3 are retired, take ml.g4dn.xlarge'),
  )
  .refine(
    (type) => !/^[a-z]\dg/.test(familyOf(type)),
    rule('that is an Arm machine and the images are built for x86-64, take one such as ml.m5.large'),
  );

/** A SageMaker machine with a GPU that training can use. */
export const gpuInstanceType = instanceType.refine(
  (type) => GPU_FAMILIES.includes(familyOf(type)),
  rule(
    `training needs a GPU, take a size of ${GPU_FAMILIES.map((family) => `ml.${family}`).join(', ')}, such as ml.g4dn.xlarge`,
  ),
);
