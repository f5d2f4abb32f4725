import { SecurityGroup as AwsSecurityGroup } from '@cdktf/provider-aws/lib/security-group/index.js';
import type { Vpc } from '@cdktf/provider-aws/lib/vpc/index.js';
import { VpcSecurityGroupEgressRule } from '@cdktf/provider-aws/lib/vpc-security-group-egress-rule/index.js';
import { VpcSecurityGroupIngressRule } from '@cdktf/provider-aws/lib/vpc-security-group-ingress-rule/index.js';
import { Construct } from 'constructs';

const HTTPS = 443;

interface SecurityGroupProps {
  readonly vpc: Vpc;
  readonly name: string;
  readonly description: string;
}

/**
 * A security group without rules at first. Rules between two groups are added on both sides; only `allowFromCidrs` and
 * `allowHttpsOut` use CIDR blocks.
 *
 * @example
 * const { vpc } = new Network(stack, 'network', { deployment, settings: settings.network });
 * const balancer = new SecurityGroup(stack, 'alb', { vpc, name: 'alb', description: 'Load balancer' });
 * const tasks = new SecurityGroup(stack, 'tasks', { vpc, name: 'tasks', description: 'Tasks' });
 * balancer.allowFromCidrs(['0.0.0.0/0'], 443);
 * tasks.allowFrom(balancer, 8080);
 */
export class SecurityGroup extends Construct {
  readonly group: AwsSecurityGroup;
  readonly #name: string;

  constructor(scope: Construct, id: string, { vpc, name, description }: SecurityGroupProps) {
    super(scope, id);
    this.#name = name;
    this.group = new AwsSecurityGroup(this, 'Resource', {
      name,
      description,
      vpcId: vpc.id,
      tags: { Name: name },
    });
  }

  /** Lets `caller` connect to this group on one port. */
  allowFrom(caller: SecurityGroup, port: number): void {
    const tcp = { fromPort: port, toPort: port, ipProtocol: 'tcp' };
    new VpcSecurityGroupIngressRule(this, `from-${caller.#label}`, {
      securityGroupId: this.group.id,
      referencedSecurityGroupId: caller.group.id,
      description: `port ${port} from ${caller.#name}`,
      ...tcp,
    });
    new VpcSecurityGroupEgressRule(caller, `to-${this.#label}`, {
      securityGroupId: caller.group.id,
      referencedSecurityGroupId: this.group.id,
      description: `port ${port} to ${this.#name}`,
      ...tcp,
    });
  }

  /** Lets external CIDR blocks connect on one port. */
  allowFromCidrs(cidrs: readonly string[], port: number): void {
    cidrs.forEach((cidrIpv4, index) => {
      new VpcSecurityGroupIngressRule(this, `from-internet-${port}-${index}`, {
        securityGroupId: this.group.id,
        cidrIpv4,
        description: `port ${port} from ${cidrIpv4}`,
        fromPort: port,
        toPort: port,
        ipProtocol: 'tcp',
      });
    });
  }

  /** Lets the group's members connect to each other. */
  allowAmongMembers(fromPort: number, toPort: number): void {
    const rule = {
      securityGroupId: this.group.id,
      referencedSecurityGroupId: this.group.id,
      description: `ports ${fromPort} to ${toPort} among members of ${this.#name}`,
      fromPort,
      toPort,
      ipProtocol: 'tcp',
    };
    new VpcSecurityGroupIngressRule(this, 'from-members', rule);
    new VpcSecurityGroupEgressRule(this, 'to-members', rule);
  }

  /** Its path in the stack, which names the rules on the other side. */
  get #label(): string {
    return this.node.path.split('/').slice(1).join('-');
  }

  /** Allows HTTPS to anywhere: AWS's APIs (images, logs, SageMaker) have no fixed addresses that a rule could name. */
  allowHttpsOut(): void {
    new VpcSecurityGroupEgressRule(this, 'to-aws', {
      securityGroupId: this.group.id,
      cidrIpv4: '0.0.0.0/0',
      description: 'HTTPS to the interfaces of AWS',
      fromPort: HTTPS,
      toPort: HTTPS,
      ipProtocol: 'tcp',
    });
  }
}
