import { CloudwatchLogGroup } from '@cdktf/provider-aws/lib/cloudwatch-log-group/index.js';
import { CloudwatchLogResourcePolicy } from '@cdktf/provider-aws/lib/cloudwatch-log-resource-policy/index.js';
import { Wafv2WebAcl } from '@cdktf/provider-aws/lib/wafv2-web-acl/index.js';
import { Wafv2WebAclAssociation } from '@cdktf/provider-aws/lib/wafv2-web-acl-association/index.js';
import { Wafv2WebAclLoggingConfiguration } from '@cdktf/provider-aws/lib/wafv2-web-acl-logging-configuration/index.js';
import { Construct } from 'constructs';
import { type Problem, problemType } from '../../services/contract.ts';
import type { Deployment } from '../deployment.ts';
import { resourcePolicy } from '../iam/policy.ts';
import type { LoadBalancer } from './load-balancer.ts';

/** AWS's rule groups, and the rules in them that only count, because they would block legitimate requests. */
const MANAGED_RULES = [
  { name: 'AWSManagedRulesAmazonIpReputationList', countOnly: [] },
  {
    name: 'AWSManagedRulesCommonRuleSet',
    countOnly: [
      // Photos are larger than 8 KB, and their bytes may look like anything; the WAS validates them itself.
      'SizeRestrictions_BODY',
      'CrossSiteScripting_BODY',
      'GenericLFI_BODY',
      'GenericRFI_BODY',
      'EC2MetaDataSSRF_BODY',
      // Simple HTTP clients may omit it.
      'NoUserAgent_HEADER',
    ],
  },
  { name: 'AWSManagedRulesKnownBadInputsRuleSet', countOnly: [] },
] as const;

const TOO_MANY_REQUESTS = 429;
const RETRY_AFTER_SECONDS = '300';
const LIMIT_PROBLEM: Problem = {
  type: problemType('rate-limited'),
  title: 'Too many requests',
  status: TOO_MANY_REQUESTS,
  code: 'rate-limited',
  detail: 'This address has sent too many requests in five minutes. Wait, then send fewer.',
};

/** Logs the requests that a web ACL inspects, without their credentials. */
const logWebAcl = (
  scope: Construct,
  { account, arns, names, logRetentionDays }: Deployment,
  acl: Wafv2WebAcl,
): void => {
  const name = names.firewallLogGroup;
  const logs = new CloudwatchLogGroup(scope, 'logs', { name, retentionInDays: logRetentionDays });
  const policy = new CloudwatchLogResourcePolicy(scope, 'logs-policy', {
    policyName: name,
    policyDocument: resourcePolicy([
      {
        sid: 'FirewallWritesItsLog',
        principal: { service: 'delivery.logs.amazonaws.com' },
        actions: 'logs:CreateLogStream PutLogEvents',
        resources: [arns.logStreams(name)],
        conditions: { StringEquals: { 'aws:SourceAccount': account } },
      },
    ]),
  });
  new Wafv2WebAclLoggingConfiguration(scope, 'logs-configuration', {
    resourceArn: acl.arn,
    logDestinationConfigs: [logs.arn],
    redactedFields: ['authorization', 'cookie'].map((header) => ({ singleHeader: { name: header } })),
    dependsOn: [policy],
  });
};

interface WebAclProps {
  readonly deployment: Deployment;
  readonly loadBalancer: LoadBalancer;
  readonly requestsPerFiveMinutes: number;
  readonly logs: boolean;
}

/** A web application firewall (WAF) in front of the public load balancer: a limit per address, and AWS's managed rules. */
export class WebAcl extends Construct {
  constructor(scope: Construct, id: string, props: WebAclProps) {
    super(scope, id);
    const { deployment, loadBalancer, requestsPerFiveMinutes, logs } = props;
    const name = deployment.names.firewall;
    const visibilityConfig = (metricName: string) => ({
      metricName,
      cloudwatchMetricsEnabled: true,
      sampledRequestsEnabled: true,
    });
    const acl = new Wafv2WebAcl(this, 'Resource', {
      name,
      description: 'Limits each address and refuses known attacks',
      scope: 'REGIONAL',
      defaultAction: { allow: {} },
      visibilityConfig: visibilityConfig(name),
      customResponseBody: [
        { key: 'rate-limited', contentType: 'APPLICATION_JSON', content: JSON.stringify(LIMIT_PROBLEM) },
      ],
      // cdktf passes `statement` on unchanged, so it has Terraform's spelling.
      rule: [
        {
          name: 'requests-per-address',
          priority: 0,
          action: {
            block: {
              customResponse: {
                responseCode: TOO_MANY_REQUESTS,
                customResponseBodyKey: 'rate-limited',
                responseHeader: [{ name: 'Retry-After', value: RETRY_AFTER_SECONDS }],
              },
            },
          },
          statement: {
            rate_based_statement: {
              limit: requestsPerFiveMinutes,
              aggregate_key_type: 'IP',
              evaluation_window_sec: 300,
            },
          },
          visibilityConfig: visibilityConfig(`${name}-requests-per-address`),
        },
        ...MANAGED_RULES.map((group, index) => ({
          name: group.name,
          priority: index + 1,
          overrideAction: { none: {} },
          statement: {
            managed_rule_group_statement: {
              vendor_name: 'AWS',
              name: group.name,
              rule_action_override: group.countOnly.map((rule) => ({
                name: rule,
                action_to_use: { count: {} },
              })),
            },
          },
          visibilityConfig: visibilityConfig(`${name}-${group.name}`),
        })),
      ],
    });
    new Wafv2WebAclAssociation(this, 'association', {
      resourceArn: loadBalancer.alb.arn,
      webAclArn: acl.arn,
    });
    if (logs) logWebAcl(this, deployment, acl);
  }
}
