import { AcmCertificate } from '@cdktf/provider-aws/lib/acm-certificate/index.js';
import { AcmCertificateValidation } from '@cdktf/provider-aws/lib/acm-certificate-validation/index.js';
import { Lb } from '@cdktf/provider-aws/lib/lb/index.js';
import { LbListener, type LbListenerConfig } from '@cdktf/provider-aws/lib/lb-listener/index.js';
import { LbTargetGroup } from '@cdktf/provider-aws/lib/lb-target-group/index.js';
import { Route53Record } from '@cdktf/provider-aws/lib/route53-record/index.js';
import { Construct } from 'constructs';
import { PATHS, STOP_SECONDS } from '../../services/contract.ts';
import type { Deployment } from '../deployment.ts';
import type { Names } from '../names.ts';
import type { Network } from '../network/network.ts';
import type { SecurityGroup } from '../network/security-group.ts';
import type { AccessLogBucket } from '../storage/bucket.ts';

const HTTP = 80;
const HTTPS = 443;

interface LoadBalancerProps {
  readonly deployment: Deployment;
  readonly network: Network;
  readonly names: Pick<Names['web'], 'loadBalancer' | 'targetGroup'>;
  readonly securityGroup: SecurityGroup;
  /** Whether it is in the public subnets and has public addresses. */
  readonly internetFacing: boolean;
  /** Port of the tasks behind it. */
  readonly targetPort: number;
  /** ACM certificate, for HTTPS and a redirect from HTTP. @default - HTTP only */
  readonly certificateArn?: string | undefined;
  readonly accessLogs: AccessLogBucket;
}

/** An application load balancer with one target group of tasks, checked by `GET /health`. */
export class LoadBalancer extends Construct {
  readonly alb: Lb;
  readonly targetGroup: LbTargetGroup;
  /** The listener that forwards to the target group; a service can only join the group once it exists. */
  readonly listener: LbListener;

  constructor(scope: Construct, id: string, props: LoadBalancerProps) {
    super(scope, id);
    const { network, names, internetFacing, accessLogs, certificateArn, securityGroup } = props;
    const subnets = internetFacing ? network.publicSubnets : network.privateSubnets;

    this.alb = new Lb(this, 'Resource', {
      name: names.loadBalancer,
      loadBalancerType: 'application',
      internal: !internetFacing,
      securityGroups: [securityGroup.group.id],
      subnets: subnets.map((subnet) => subnet.id),
      dropInvalidHeaderFields: true,
      idleTimeout: 60,
      enableDeletionProtection: props.deployment.deletionProtection,
      accessLogs: { bucket: accessLogs.name, prefix: names.loadBalancer, enabled: true },
      // AWS writes a test object when logging is enabled, and fails without permission.
      dependsOn: [accessLogs.policy],
    });
    this.targetGroup = new LbTargetGroup(this, 'tg', {
      name: names.targetGroup,
      targetType: 'ip',
      port: props.targetPort,
      protocol: 'HTTP',
      vpcId: network.vpc.id,
      deregistrationDelay: String(STOP_SECONDS.killed),
      healthCheck: {
        path: PATHS.health,
        matcher: '200',
        interval: 15,
        timeout: 5,
        healthyThreshold: 2,
        unhealthyThreshold: 3,
      },
    });

    const listen = (id: 'http' | 'https', settings: Omit<LbListenerConfig, 'loadBalancerArn'>) =>
      new LbListener(this, id, { loadBalancerArn: this.alb.arn, ...settings });
    const defaultAction = [{ type: 'forward', targetGroupArn: this.targetGroup.arn }];
    if (!certificateArn) {
      this.listener = listen('http', { port: HTTP, protocol: 'HTTP', defaultAction });
      return;
    }
    this.listener = listen('https', {
      port: HTTPS,
      protocol: 'HTTPS',
      sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
      certificateArn,
      defaultAction,
    });
    const redirect = { protocol: 'HTTPS', port: String(HTTPS), statusCode: 'HTTP_301' };
    listen('http', { port: HTTP, protocol: 'HTTP', defaultAction: [{ type: 'redirect', redirect }] });
  }
}

interface DomainName {
  readonly domain: string;
  /** Route 53 zone that holds the domain. */
  readonly hostedZoneId: string;
}

/**
 * A certificate for a domain, validated by a record in its zone.
 *
 * @returns its ARN, which is only known once the certificate is valid, so that listeners are created after that
 */
export const createCertificate = (scope: Construct, { domain, hostedZoneId }: DomainName): string => {
  const own = new Construct(scope, 'certificate');
  const certificate = new AcmCertificate(own, 'Resource', {
    domainName: domain,
    validationMethod: 'DNS',
    lifecycle: { createBeforeDestroy: true },
  });
  // There is one option for one name; Terraform represents it as a set.
  const option = (attribute: string): string =>
    `\${tolist(${certificate.fqn}.domain_validation_options)[0].resource_record_${attribute}}`;
  const record = new Route53Record(own, 'validation-record', {
    zoneId: hostedZoneId,
    name: option('name'),
    type: option('type'),
    records: [option('value')],
    ttl: 300,
    allowOverwrite: true,
  });
  return new AcmCertificateValidation(own, 'validation', {
    certificateArn: certificate.arn,
    validationRecordFqdns: [record.fqdn],
  }).certificateArn;
};

/** Points a domain to the public load balancer. */
export const pointDomain = (
  scope: Construct,
  { domain, hostedZoneId }: DomainName,
  { alb }: LoadBalancer,
): void => {
  new Route53Record(scope, 'domain', {
    zoneId: hostedZoneId,
    name: domain,
    type: 'A',
    alias: { name: alb.dnsName, zoneId: alb.zoneId, evaluateTargetHealth: true },
  });
};
