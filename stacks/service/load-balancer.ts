import { Lb } from '@cdktf/provider-aws/lib/lb/index.js';
import { LbListener } from '@cdktf/provider-aws/lib/lb-listener/index.js';
import { LbTargetGroup } from '@cdktf/provider-aws/lib/lb-target-group/index.js';
import type { Subnet } from '@cdktf/provider-aws/lib/subnet/index.js';
import { Construct } from 'constructs';
import { PATHS } from '../../services/contract.ts';
import type { Deployment } from '../deployment.ts';
import type { FirewallGroup } from '../network/firewall-group.ts';
import type { Network } from '../network/network.ts';
import type { AccessLogBucket } from '../storage/access-log-bucket.ts';

const HTTP = 80;
const HTTPS = 443;

export interface LoadBalancerProps {
  readonly deployment: Deployment;
  readonly network: Network;
  readonly name: string;
  readonly targetGroupName: string;
  readonly subnets: readonly Subnet[];
  readonly firewallGroup: FirewallGroup;
  /** Whether it has public addresses. */
  readonly internetFacing: boolean;
  /** Port of the tasks behind it. */
  readonly targetPort: number;
  /** With it, HTTPS is spoken and HTTP redirected. Empty: HTTP only. */
  readonly certificateArn: string;
  readonly accessLogs: AccessLogBucket;
}

/** An application load balancer with one target group of tasks, which are asked `GET /health`. */
export class LoadBalancer extends Construct {
  readonly alb: Lb;
  readonly targetGroup: LbTargetGroup;
  /** What forwards to the target group; a service can only join the group once this exists. */
  readonly listener: LbListener;

  constructor(scope: Construct, id: string, props: LoadBalancerProps) {
    super(scope, id);
    const { deployment, network, accessLogs, certificateArn, firewallGroup } = props;

    this.alb = new Lb(this, 'Resource', {
      name: props.name,
      loadBalancerType: 'application',
      internal: !props.internetFacing,
      securityGroups: [firewallGroup.group.id],
      subnets: props.subnets.map((subnet) => subnet.id),
      dropInvalidHeaderFields: true,
      idleTimeout: 60,
      enableDeletionProtection: deployment.config.deletionProtection,
      accessLogs: { bucket: accessLogs.name, prefix: props.name, enabled: true },
      // AWS writes a test object when logs are switched on, and fails when it may not.
      dependsOn: [accessLogs.policy],
    });
    this.targetGroup = new LbTargetGroup(this, 'tg', {
      name: props.targetGroupName,
      targetType: 'ip',
      port: props.targetPort,
      protocol: 'HTTP',
      vpcId: network.vpc.id,
      deregistrationDelay: '30',
      healthCheck: {
        path: PATHS.health,
        matcher: '200',
        interval: 15,
        timeout: 5,
        healthyThreshold: 2,
        unhealthyThreshold: 3,
      },
    });

    const forward = [{ type: 'forward', targetGroupArn: this.targetGroup.arn }];
    const loadBalancerArn = this.alb.arn;
    if (!certificateArn) {
      this.listener = new LbListener(this, 'http', {
        loadBalancerArn,
        port: HTTP,
        protocol: 'HTTP',
        defaultAction: forward,
      });
      return;
    }
    this.listener = new LbListener(this, 'https', {
      loadBalancerArn,
      port: HTTPS,
      protocol: 'HTTPS',
      sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
      certificateArn,
      defaultAction: forward,
    });
    new LbListener(this, 'http', {
      loadBalancerArn,
      port: HTTP,
      protocol: 'HTTP',
      defaultAction: [
        { type: 'redirect', redirect: { protocol: 'HTTPS', port: String(HTTPS), statusCode: 'HTTP_301' } },
      ],
    });
  }
}
