import { Route53Record } from '@cdktf/provider-aws/lib/route53-record/index.js';
import { Construct } from 'constructs';
import type { LoadBalancer } from './load-balancer.ts';

export interface DomainNameProps {
  readonly domain: string;
  /** Route 53 zone that holds the domain. */
  readonly hostedZoneId: string;
  readonly loadBalancer: LoadBalancer;
}

/** Points a name at the public load balancer. */
export class DomainName extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { domain, hostedZoneId, loadBalancer: { alb } }: DomainNameProps,
  ) {
    super(scope, id);
    new Route53Record(this, 'Resource', {
      zoneId: hostedZoneId,
      name: domain,
      type: 'A',
      alias: { name: alb.dnsName, zoneId: alb.zoneId, evaluateTargetHealth: true },
    });
  }
}
