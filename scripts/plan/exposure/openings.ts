import { inWords, RESOURCE_TYPES } from '../changes/resource-types.ts';
import type { Inventory } from '../input/inventory.ts';
import { reach } from '../input/json.ts';
import { labelOf } from '../input/resource.ts';
import { code, listed } from '../markdown.ts';
import { allPoliciesOf } from '../permissions/policies.ts';
import { type Statement, widths } from '../permissions/statements.ts';
import { publicLoadBalancersOf } from './entrances.ts';
import { openBlocks, type Rule } from './security-groups.ts';

/** Types that may take connections from the internet in ways that this review does not look into. */
const NOT_EXAMINED = ['aws_db_instance', 'aws_rds_cluster'];

const EXAMINED = ['aws_security_group_rule'];

const BLOCKS_OF_A_BUCKET = [
  'block_public_acls',
  'block_public_policy',
  'ignore_public_acls',
  'restrict_public_buckets',
];

const openBuckets = (inventory: Inventory): readonly string[] => {
  const closed = inventory
    .afterPlan('aws_s3_bucket_public_access_block')
    .filter(({ after }) => BLOCKS_OF_A_BUCKET.every((attribute) => after[attribute] === true))
    .flatMap((block) => inventory.linked(block, 'bucket'));
  return inventory
    .afterPlan('aws_s3_bucket')
    .filter((bucket) => !closed.includes(bucket))
    .map(
      (bucket) =>
        `bucket ${code(labelOf(bucket))} has no full public access block: a policy could make it public`,
    );
};

const publicTasks = (inventory: Inventory): readonly string[] =>
  inventory
    .afterPlan('aws_ecs_service')
    .filter(({ after }) => reach(after['network_configuration'], [0, 'assign_public_ip']) === true)
    .map((service) => `the tasks of ${code(labelOf(service))} get public addresses of their own`);

/** Conditions that keep strangers out of a policy for anyone. */
const KEEPS_STRANGERS_OUT =
  /^aws:(source(account|owner|arn|orgid|orgpaths|vpc|vpce)|principal(account|arn|orgid|orgpaths))$/i;

/** It is said in the VPC, to what is inside. */
const INSIDE_ONLY = ['aws_vpc_endpoint'];

const isForStrangers = ({ conditions }: Statement): boolean =>
  !conditions.some(
    ({ operator, key }) => /^(String|Arn)(Equals|Like)$/.test(operator) && KEEPS_STRANGERS_OUT.test(key),
  );

const openPolicies = (inventory: Inventory): readonly string[] =>
  allPoliciesOf(inventory)
    .filter(({ resource }) => !INSIDE_ONLY.includes(resource.type))
    .flatMap(({ resource, statements, kind, holderName, unread }) => [
      ...(unread !== undefined && kind !== 'identity'
        ? [`${code(resource.address)} cannot be read before the apply: it could let anyone in`]
        : []),
      ...statements
        .filter(({ status }) => status !== 'removed')
        .filter(({ statement }) => widths(statement, kind !== 'identity').includes('anyone'))
        .filter(({ statement }) => isForStrangers(statement))
        .map(({ statement: { conditions } }) => {
          const keys = conditions.map(({ key }) => code(key));
          const limit = keys.length > 0 ? `, if ${listed(keys)} fits` : '';
          return `${code(resource.address)} lets anyone use ${code(holderName)}${limit}`;
        }),
    ]);

const strayRules = (inventory: Inventory, rules: readonly Rule[]): readonly string[] => {
  const inFront = publicLoadBalancersOf(inventory).flatMap((balancer) =>
    inventory.linked(balancer, 'security_groups'),
  );
  return rules
    .filter((rule) => rule.direction === 'in' && !(rule.group && inFront.includes(rule.group)))
    .flatMap((rule) => {
      const group = rule.group ? code(labelOf(rule.group)) : 'a security group outside this plan';
      const news = inventory.newsOf(rule.resource);
      return openBlocks(rule).map(
        (block) => `${code(rule.resource.address)} admits ${code(block)} on ${rule.ports} to ${group}${news}`,
      );
    });
};

const unexaminedTypes = (inventory: Inventory): readonly string[] => {
  const types = new Set(inventory.resources.filter(({ after }) => after).map(({ type }) => type));
  return [...types]
    .filter((type) => NOT_EXAMINED.includes(type) || !(RESOURCE_TYPES[type] || EXAMINED.includes(type)))
    .map(
      (type) => `${code(type)} (${inWords(type)}) is not examined: see for yourself whether it is reachable`,
    );
};

/** What is open, or may be, without being a load balancer that is meant to be. */
export const openingsOf = (inventory: Inventory, rules: readonly Rule[]): readonly string[] => [
  ...publicTasks(inventory),
  ...openPolicies(inventory),
  ...strayRules(inventory, rules),
  ...openBuckets(inventory),
  ...unexaminedTypes(inventory),
];
