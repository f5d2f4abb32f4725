import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { StackFiles } from './synth.ts';

/** The fields of a Terraform state, version 4, that are used here. */
const stateSchema = z.object({
  resources: z.array(
    z.object({
      mode: z.string(),
      type: z.string(),
      name: z.string(),
      instances: z.array(z.object({ attributes: z.record(z.string(), z.unknown()) })),
    }),
  ),
});

export interface StateResource {
  readonly type: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** The resources in a state; none for the empty text of a new backend. */
export const readState = (text: string): StateResource[] => {
  if (text.trim() === '') return [];
  return stateSchema
    .parse(JSON.parse(text))
    .resources.filter(({ mode }) => mode === 'managed')
    .flatMap(({ type, name, instances }) => instances.map(({ attributes }) => ({ type, name, attributes })));
};

/** The resources in a state file; none if there is no file. */
export const readStateFile = (file: string): StateResource[] =>
  existsSync(file) ? readState(readFileSync(file, 'utf8')) : [];

/**
 * The file with this stack's state.
 *
 * @returns undefined if the state is in S3
 */
export const stateFile = ({ directory, json }: StackFiles): string | undefined => {
  const { backend } = json.terraform;
  return 'local' in backend ? path.resolve(directory, backend.local.path) : undefined;
};

const ARN = /^arn:[^:]*:[^:]*:([^:]*):(\d{12}):/;

/** The account and region of a state's resources, from the first ARNs that contain them. */
export const deployedPlace = (resources: readonly StateResource[]) => {
  const places = resources.flatMap(({ attributes }) => {
    const [arn, region, account] = ARN.exec(String(attributes['arn'])) ?? [];
    return arn === undefined ? [] : [{ region, account }];
  });
  return { account: places[0]?.account, region: places.find(({ region }) => region !== '')?.region };
};

/** Addresses of the deployed resources that AWS or Terraform refuses to delete. */
export const protectedResources = (resources: readonly StateResource[]): string[] =>
  resources
    .filter(
      ({ type, attributes }) =>
        (type === 'aws_lb' && attributes['enable_deletion_protection'] === true) ||
        (type === 'aws_ecr_repository' && attributes['force_delete'] === false) ||
        (type === 'aws_s3_bucket' && attributes['force_destroy'] === false),
    )
    .map(({ type, name }) => `${type}.${name}`);
