import type { Inventory } from '../input/inventory.ts';
import { type FutureResource, labelOf, type Resource } from '../input/resource.ts';
import { code, listed } from '../markdown.ts';
import { openBlocks, type Rule } from './security-groups.ts';

const codes = (resources: readonly Resource[]): string =>
  listed(resources.map((resource) => code(labelOf(resource))));

const gatewayText = (gateway: FutureResource, inventory: Inventory): string => {
  const [address] = inventory.linked(gateway, 'allocation_id');
  const seenAs = address?.after?.['public_ip'] ?? gateway.after['public_ip'] ?? '(known after apply)';
  return `${codes([gateway])}: NAT gateway, seen outside as ${code(String(seenAs))}${inventory.newsOf(gateway)}`;
};

/** Subnets whose route table leads to an internet gateway. */
const publicSubnetsOf = (inventory: Inventory): readonly Resource[] => {
  const tables = inventory
    .afterPlan('aws_route')
    .filter((route) =>
      inventory.linked(route, 'gateway_id').some(({ type }) => type === 'aws_internet_gateway'),
    )
    .flatMap((route) => inventory.linked(route, 'route_table_id'));
  return inventory
    .afterPlan('aws_route_table_association')
    .filter((each) => inventory.linked(each, 'route_table_id').some((table) => tables.includes(table)))
    .flatMap((each) => inventory.linked(each, 'subnet_id'));
};

const subnetText = (inventory: Inventory): readonly string[] => {
  const subnets = publicSubnetsOf(inventory);
  if (subnets.length === 0) return [];
  const giving = subnets.filter(({ after }) => after?.['map_public_ip_on_launch'] === true);
  const addresses =
    giving.length > 0
      ? `⚠ what starts in ${codes(giving)} gets a public address by itself`
      : 'nothing gets a public address there by itself';
  return [`subnets with a route to the internet gateway: ${codes(subnets)}; ${addresses}`];
};

/** What can reach the internet, and as whom. */
export const waysOut = (inventory: Inventory, rules: readonly Rule[]): readonly string[] => [
  ...inventory.afterPlan('aws_nat_gateway').map((gateway) => gatewayText(gateway, inventory)),
  ...subnetText(inventory),
  ...rules
    .filter(({ direction }) => direction === 'out')
    .flatMap((rule) =>
      openBlocks(rule).map(
        (block) =>
          `${codes([rule.group ?? rule.resource])} may connect to ${code(block)} on ${rule.ports}${inventory.newsOf(rule.resource)}`,
      ),
    ),
  ...inventory
    .afterPlan('aws_sagemaker_domain')
    .filter(({ after }) => after['app_network_access_type'] === 'PublicInternetOnly')
    .map(
      (domain) => `${codes([domain])}: SageMaker Studio reaches the internet directly, not through the VPC`,
    ),
];
