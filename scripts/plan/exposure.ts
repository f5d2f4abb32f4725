import { z } from 'zod';
import { pluralize } from '../../model/shared/text.ts';
import { type FutureResource, type Inventory, type Resource, resourceLabel } from './inventory.ts';
import { blocks, bold, bullet, code, codes, conjoin, lines } from './markdown.ts';
import { type ParsedStatement, plannedPolicies } from './policies.ts';
import { RESOURCE_TYPES, resourceTypeLabel } from './resource-types.ts';
import { ANYONE, type SecurityGroupRule, securityGroupRules } from './security-groups.ts';
import { asArray, getPath } from './terraform-plan.ts';

/** Load balancers with public addresses. One of which it is not known counts as public. */
const publicLoadBalancers = (inventory: Inventory): readonly FutureResource[] =>
  inventory.afterPlan('aws_lb').filter(({ after }) => after['internal'] !== true);

const target = z.looseObject({ port: z.string().nullish(), protocol: z.string().nullish() });

const listenerAttributes = z.looseObject({
  port: z.number().nullish(),
  protocol: z.string().nullish(),
  default_action: z
    .array(z.looseObject({ type: z.string(), redirect: z.array(target).nullish() }))
    .default([]),
});

const describeListener = (resource: FutureResource, inventory: Inventory): string => {
  const { port, protocol, default_action } = listenerAttributes.parse(resource.after);
  const groups = inventory
    .linked(resource, 'default_action')
    .filter(({ type }) => type === 'aws_lb_target_group');
  const actions = default_action.map(({ type, redirect }) => {
    const [to] = redirect ?? [];
    if (type === 'redirect') return `redirects to ${to?.protocol ?? 'its protocol'} ${to?.port ?? ''}`.trim();
    if (type !== 'forward') return type.replaceAll('_', ' ');
    return `forwards to ${codes(groups.map(resourceLabel)) || 'a target group'}`;
  });
  const action = actions.join(', then ');
  const isPlain = protocol === 'HTTP' && !action.startsWith('redirects');
  return `port ${port ?? '(unknown)'}, ${protocol ?? '(unknown)'}: ${action}${isPlain ? ' — ⚠ not encrypted' : ''}${inventory.changeMark(resource)}`;
};

const describeListeners = (balancer: Resource, inventory: Inventory): readonly string[] => {
  const texts = inventory
    .afterPlan('aws_lb_listener')
    .filter((resource) => inventory.linked(resource, 'load_balancer_arn').includes(balancer))
    .map((resource) => describeListener(resource, inventory));
  return texts.length > 0 ? texts : ['no listener: nothing answers'];
};

const describeCallers = (
  balancer: Resource,
  rules: readonly SecurityGroupRule[],
  inventory: Inventory,
): readonly string[] => {
  const groups = inventory.linked(balancer, 'security_groups');
  if (groups.length === 0) return ['who may connect: ⚠ no security group is known'];
  return groups.map((group) => {
    const sources = rules
      .filter((rule) => rule.group === group)
      .flatMap(({ ports, internet, resource }) =>
        internet.map(
          (source) =>
            `${ports} from ${code(source)}${ANYONE.includes(source) ? ' (anyone)' : ''}${inventory.changeMark(resource)}`,
        ),
      );
    return `who may connect, by ${code(resourceLabel(group))}: ${sources.join(', ') || 'no one from the internet'}`;
  });
};

const describeWebAcl = (balancer: Resource, inventory: Inventory): string => {
  const [acl] = inventory
    .afterPlan('aws_wafv2_web_acl_association')
    .filter((association) => inventory.linked(association, 'resource_arn').includes(balancer))
    .flatMap((association) => inventory.linked(association, 'web_acl_arn'));
  if (!acl) return `⚠ ${bold('no web firewall (WAF) in front')}`;
  const names = asArray(acl.after?.['rule']).map((rule) => code(String(getPath(rule, ['name']))));
  return `web firewall (WAF) ${code(resourceLabel(acl))}${inventory.changeMark(acl)}: ${conjoin(names) || '⚠ no rule'}`;
};

/** What a load balancer with public addresses lets in. */
const describeIngress = (
  balancer: FutureResource,
  rules: readonly SecurityGroupRule[],
  inventory: Inventory,
): string => {
  const title = `${bold(resourceLabel(balancer))}: load balancer ${code(balancer.address)}`;
  const facts = [
    ...describeListeners(balancer, inventory),
    ...describeCallers(balancer, rules, inventory),
    describeWebAcl(balancer, inventory),
  ];
  return lines(bullet(`${title}${inventory.changeMark(balancer)}`), ...facts.map((fact) => bullet(fact, 1)));
};

const publicTasks = (inventory: Inventory): readonly string[] =>
  inventory
    .afterPlan('aws_ecs_service')
    .filter(({ after }) => getPath(after['network_configuration'], [0, 'assign_public_ip']) === true)
    .map((service) => `the tasks of ${code(resourceLabel(service))} get public addresses of their own`);

/** Conditions that keep strangers out of a policy for anyone. */
const KEEPS_STRANGERS_OUT =
  /^aws:(source(account|owner|arn|orgid|orgpaths|vpc|vpce)|principal(account|arn|orgid|orgpaths))$/i;

const isForStrangers = ({ Condition }: ParsedStatement): boolean =>
  !Condition.some(
    ({ operator, key }) => /^(String|Arn)(Equals|Like)$/.test(operator) && KEEPS_STRANGERS_OUT.test(key),
  );

/** Its policy applies in the VPC, to what is inside. */
const INSIDE_ONLY = ['aws_vpc_endpoint'];

const openPolicies = (inventory: Inventory): readonly string[] =>
  plannedPolicies(inventory)
    .filter(({ resource }) => !INSIDE_ONLY.includes(resource.type))
    .flatMap(({ resource, statements, holderName }) =>
      statements
        .filter(({ statement, broad }) => broad.includes('anyone') && isForStrangers(statement))
        .map(({ statement: { Condition } }) => {
          const keys = Condition.map(({ key }) => code(key));
          const limit = keys.length > 0 ? `, if ${conjoin(keys)} matches` : '';
          return `${code(resource.address)} lets anyone use ${code(holderName)}${limit}`;
        }),
    );

const strayRules = (inventory: Inventory, rules: readonly SecurityGroupRule[]): readonly string[] => {
  const inFront = publicLoadBalancers(inventory).flatMap((balancer) =>
    inventory.linked(balancer, 'security_groups'),
  );
  return rules
    .filter((rule) => !(rule.group && inFront.includes(rule.group)))
    .flatMap(({ group, resource, internet, ports }) => {
      const groupName = group ? code(resourceLabel(group)) : 'a security group outside this plan';
      return internet.map(
        (source) =>
          `${code(resource.address)} admits ${code(source)} on ${ports} to ${groupName}${inventory.changeMark(resource)}`,
      );
    });
};

const PUBLIC_ACCESS_BLOCKS =
  'block_public_acls block_public_policy ignore_public_acls restrict_public_buckets'.split(' ');

const openBuckets = (inventory: Inventory): readonly string[] => {
  const closed = inventory
    .afterPlan('aws_s3_bucket_public_access_block')
    .filter(({ after }) => PUBLIC_ACCESS_BLOCKS.every((attribute) => after[attribute] === true))
    .flatMap((block) => inventory.linked(block, 'bucket'));
  return inventory
    .afterPlan('aws_s3_bucket')
    .filter((bucket) => !closed.includes(bucket))
    .map(
      (bucket) =>
        `bucket ${code(resourceLabel(bucket))} has no full public access block: a policy could make it public`,
    );
};

/** What this review does not look into. */
const notExamined = (inventory: Inventory): readonly string[] =>
  [...new Set(inventory.afterPlan().map(({ type }) => type))]
    .filter((type) => !RESOURCE_TYPES[type])
    .map(
      (type) =>
        `${code(type)} (${resourceTypeLabel(type)}) is not examined: check whether it is reachable, and what it costs`,
    );

/** What is open, or may be, without being a load balancer that is meant to be. */
const findings = (inventory: Inventory, rules: readonly SecurityGroupRule[]): readonly string[] => [
  ...publicTasks(inventory),
  ...openPolicies(inventory),
  ...strayRules(inventory, rules),
  ...openBuckets(inventory),
  ...notExamined(inventory),
];

/** What may connect to the internet. */
const waysOut = (inventory: Inventory): readonly string[] =>
  securityGroupRules(inventory, 'egress').flatMap(({ group, resource, internet, ports }) =>
    internet.map(
      (destination) =>
        `${code(resourceLabel(group ?? resource))} to ${code(destination)} on ${ports}${inventory.changeMark(resource)}`,
    ),
  );

/** Who can reach what from outside after the plan, and what can reach outside. */
export const exposureSection = (inventory: Inventory): string => {
  const rules = securityGroupRules(inventory, 'ingress');
  const ingress = publicLoadBalancers(inventory).map((balancer) =>
    describeIngress(balancer, rules, inventory),
  );
  const open = findings(inventory, rules);
  const out = waysOut(inventory);
  const number = inventory.afterPlan('aws_s3_bucket').length;
  const buckets = number > 0 ? `; ${pluralize(number, 'bucket')} cannot be made public` : '';
  const nothing = bold(ingress.length === 0 ? 'Nothing is reachable.' : 'Nothing else is reachable.');
  const looked = `Checked: every load balancer, inbound rule, service and resource policy that exists after this plan${buckets}.`;
  return blocks(
    '## Reachable from the internet',
    lines(...ingress),
    open.length > 0
      ? blocks('Check these too:', lines(...open.map((text) => bullet(`⚠ ${text}`))))
      : `${nothing} ${looked}`,
    `Connections to the internet are allowed ${out.length > 0 ? `for ${conjoin(out)}` : 'by no rule'}.`,
    'AWS APIs are reachable from anywhere, but only accept signed requests of identities with the permissions above.',
  );
};
