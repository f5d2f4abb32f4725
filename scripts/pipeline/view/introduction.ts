import path from 'node:path';
import { TRAINING_ENVIRONMENT } from '../../../model/contract/sagemaker-jobs.ts';
import { FOLDERS, inputPrefix } from '../../../stacks/learning/folders.ts';
import { ROOT } from '../../shared/paths.ts';
import type { ExecutionRecord, Plan } from '../execution/record.ts';
import type { Naming } from '../given-places.ts';
import { table } from './text.ts';

/** Whether a parameter points to the folder that stands for an input which is left out. */
const isLeftOut = (value: string): boolean => {
  const [, bucket] = /^s3:\/\/([^/]+)\//.exec(value) ?? [];
  return bucket !== undefined && value === inputPrefix(bucket, FOLDERS.nothing);
};

/**
 * What is about to be done, and how it differs from SageMaker.
 *
 * @param folder in which it is done
 */
export const introduction = (
  { id, plan }: Pick<ExecutionRecord, 'id'> & { readonly plan: Pick<Plan, 'pipeline' | 'parameters'> },
  folder: string,
  named: Naming,
): string[] => {
  const shown = (value: string) => (isLeftOut(value) ? 'none' : named(value));
  return [
    `Pipeline ${plan.pipeline}, execution ${id}`,
    ...table(Object.entries(plan.parameters).map(([name, value]) => [`  ${name}`, shown(String(value))])),
    `On this machine the images, machines, roles and networks of the definition are not used, and ${TRAINING_ENVIRONMENT.requireGpu} is false. S3, logs and models are in ${path.relative(ROOT, folder)}.`,
    '',
  ];
};
