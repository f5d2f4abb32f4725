import { reach, type Values } from '../input/json.ts';
import { ends, nameOf, type Resource } from '../input/resource.ts';
import { type Gravity, inWords, RESOURCE_TYPES } from './resource-types.ts';

/** Something with data, or with an address that others keep, which the plan ends. */
export interface Loss {
  readonly address: string;
  readonly what: string;
  readonly name: string;
  readonly action: 'replace' | 'destroy';
  readonly lost: string;
}

const homeDirectories = (domain: Values): string =>
  reach(domain['retention_policy'], [0, 'home_efs_file_system']) === 'Retain'
    ? 'its users and spaces are deleted; the home directories stay in an EFS file system without a domain'
    : 'its users, spaces and all home directories are deleted';

/** What is lost, when the resource's own settings say more than its type. */
const DETAILS: Readonly<Record<string, (before: Values) => string>> = {
  aws_s3_bucket: (bucket) =>
    bucket['force_destroy'] === true
      ? 'all objects and their versions are deleted (force_destroy is on)'
      : 'all objects are lost; AWS refuses, and the apply fails, while there are any',
  aws_ecr_repository: (repository) =>
    repository['force_delete'] === true
      ? 'all images are deleted (force_delete is on)'
      : 'all images are lost; AWS refuses, and the apply fails, while there are any',
  aws_kms_key: (key) =>
    `everything encrypted with it becomes unreadable for ever, unless the deletion is cancelled within ${key['deletion_window_in_days'] ?? 30} days`,
  aws_cloudwatch_log_group: (group) =>
    group['skip_destroy'] === true
      ? 'its logs stay in AWS, outside Terraform (skip_destroy is on)'
      : 'all logs in it are deleted',
  aws_sagemaker_domain: homeDirectories,
  aws_sagemaker_model_package_group: () =>
    'all registered model versions are lost; AWS refuses, and the apply fails, while there are any',
  aws_lb: (balancer) => {
    const guarded = balancer['enable_deletion_protection'] === true;
    const name = `its DNS name (${balancer['dns_name'] ?? 'unknown'}) is gone; what calls it must learn the new one`;
    return guarded ? `${name}; deletion protection is on, so the apply may fail` : name;
  },
  aws_eip: (address) =>
    `the public address ${address['public_ip'] ?? '(unknown)'} is given up; others may have allowed it`,
};

export const gravityOf = ({ type }: Pick<Resource, 'type'>): Gravity | undefined =>
  RESOURCE_TYPES[type]?.gravity;

const isStateful = (resource: Resource): boolean => ['data', 'address'].includes(gravityOf(resource) ?? '');

/** Whatever the plan would lose for good. */
export const lossesOf = (resources: readonly Resource[]): readonly Loss[] =>
  resources
    .filter((resource) => ends(resource) && isStateful(resource))
    .map((resource) => ({
      address: resource.address,
      what: inWords(resource.type),
      name: nameOf({ before: resource.before, after: undefined }),
      action: resource.action === 'replace' ? 'replace' : 'destroy',
      lost: (DETAILS[resource.type] ?? (() => RESOURCE_TYPES[resource.type]?.meaning ?? ''))(
        resource.before ?? {},
      ),
    }));
