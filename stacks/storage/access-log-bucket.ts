import type { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { PrivateBucket } from './private-bucket.ts';

/** Where load balancers write who asked for what. They can only write to buckets whose keys S3 manages. */
export class AccessLogBucket extends PrivateBucket {
  constructor(scope: Construct, id: string, { deployment }: { readonly deployment: Deployment }) {
    const { arns, config, names } = deployment;
    const name = names.buckets.accessLogs;
    super(scope, id, {
      deployment,
      name,
      expireAfterDays: config.observability.logRetentionDays,
      statements: [
        {
          sid: 'LoadBalancersWriteTheirLogs',
          principal: { service: 'logdelivery.elasticloadbalancing.amazonaws.com' },
          actions: ['s3:PutObject'],
          resources: [arns.objects(name)],
          conditions: { StringEquals: { 'aws:SourceAccount': config.account } },
        },
      ],
    });
  }
}
