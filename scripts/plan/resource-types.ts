import { displayName, isReplacedOrDestroyed, type Resource } from './inventory.ts';
import { type Attributes, getPath } from './terraform-plan.ts';

const SEVERITIES = ['data', 'endpoint-change', 'outage', 'harmless'] as const;

/**
 * How bad it is when a resource is replaced or destroyed.
 * - `data`: what it stores is lost.
 * - `endpoint-change`: others have written its name or address down, and a new one differs.
 * - `outage`: something does not work until it is recreated.
 * - `harmless`: nothing stops working.
 */
export type Severity = (typeof SEVERITIES)[number];

interface ResourceType {
  readonly severity: Severity;
  /** As AWS calls it. */
  readonly label: string;
  /** What it means that one is replaced or destroyed. */
  readonly meaning: string;
}

const SETTING = "the setting is AWS's default until it is set again";
const UNREACHABLE = 'what is behind it is unreachable until it is recreated';
const NO_PERMISSIONS = 'its permissions are missing until it is recreated';
const NOT_SCALED = 'the number of tasks does not follow the load until it is recreated';
const NOT_ENFORCED = 'its statements do not apply until it is recreated';
const NO_EVENTS = 'events start nothing until it is recreated';
const UNFILTERED = 'requests are not filtered until it is recreated';
const NOT_LOGGED = 'nothing is logged until it is recreated';
const REFUSED = 'AWS refuses, and the apply fails, while anything is in it';
const BLOCKED = 'new connections that it allows fail until it is recreated';

type BySeverity = Readonly<
  Record<Severity, Readonly<Record<string, readonly [label: string, meaning: string]>>>
>;

const BY_SEVERITY: BySeverity = {
  data: {
    aws_codecommit_repository: ['CodeCommit repository', 'all branches and their history are deleted'],
    aws_cloudwatch_log_group: ['CloudWatch log group', 'all logs in it are deleted'],
    aws_ecr_repository: ['ECR repository', 'all images are deleted; tasks that name them cannot start'],
    aws_kms_key: ['KMS key', 'everything encrypted with it becomes permanently unreadable'],
    aws_s3_bucket: ['S3 bucket', 'all objects and their versions are deleted'],
    aws_sagemaker_domain: [
      'SageMaker Studio domain',
      'its users and spaces go with it, and the home directories unless they are retained',
    ],
    aws_sagemaker_model_package_group: [
      'SageMaker model package group',
      'all registered model versions are deleted',
    ],
    aws_secretsmanager_secret: ['secret', 'what is in it is deleted, after the days of its recovery window'],
    aws_sagemaker_user_profile: ['SageMaker Studio user', "the user's home directory and spaces are lost"],
  },
  'endpoint-change': {
    aws_eip: ['Elastic IP address', 'the public address changes; allow lists elsewhere must follow'],
    aws_lb: ['load balancer', 'its DNS name is lost; callers need the new one'],
  },
  outage: {
    aws_acm_certificate: ['ACM certificate', 'HTTPS fails until another one is validated'],
    aws_appautoscaling_policy: ['autoscaling policy', NOT_SCALED],
    aws_appautoscaling_target: ['autoscaling limits', NOT_SCALED],
    aws_codebuild_project: ['CodeBuild project', 'running builds stop and the build history is gone'],
    aws_codepipeline: ['CodePipeline', 'running deliveries stop and the history is gone'],
    aws_ecs_cluster: ['ECS cluster', 'every service in it stops and starts again'],
    aws_ecs_service: ['ECS service', 'all its tasks stop; new ones start afterwards'],
    aws_iam_role: ['IAM role', 'whatever assumes it is denied until it is recreated'],
    aws_internet_gateway: ['internet gateway', 'no traffic from or to the internet until it is recreated'],
    aws_lb_listener: ['load balancer listener', 'the port is closed until it is recreated'],
    aws_lb_target_group: ['target group', 'no task answers until the tasks are registered in another'],
    aws_nat_gateway: ['NAT gateway', 'private subnets cannot reach the internet until it is recreated'],
    aws_route: ['route', UNREACHABLE],
    aws_route53_record: ['DNS record', 'the name does not resolve until it is recreated'],
    aws_route_table: ['route table', UNREACHABLE],
    aws_route_table_association: [
      "subnet's route table",
      "the subnet uses the VPC's main one until it is recreated",
    ],
    aws_sagemaker_pipeline: ['SageMaker pipeline', 'the history of its executions is gone'],
    aws_security_group: ['security group', 'everything that uses it must be moved to another'],
    aws_sns_topic: ['SNS topic', "its ARN's subscribers are gone; e-mail addresses must be confirmed again"],
    aws_sns_topic_subscription: ['SNS subscription', 'an e-mail address must be confirmed again'],
    aws_subnet: ['subnet', 'everything in it must be moved or replaced'],
    aws_vpc: ['VPC', 'everything in it must be replaced'],
    aws_vpc_endpoint: ['VPC endpoint', 'that AWS service is reached by another route, or not'],
    aws_vpc_security_group_egress_rule: ['outbound rule', BLOCKED],
    aws_vpc_security_group_ingress_rule: ['inbound rule', BLOCKED],
    aws_wafv2_web_acl: ['web firewall (WAF)', UNFILTERED],
    aws_wafv2_web_acl_association: ['web firewall association', UNFILTERED],
  },
  harmless: {
    aws_acm_certificate_validation: ['wait for an ACM certificate', 'nothing changes in AWS'],
    aws_budgets_budget: ['budget', 'no notifications about costs until it is recreated'],
    aws_cloudwatch_dashboard: ['CloudWatch dashboard', 'the page is gone'],
    aws_cloudwatch_event_rule: ['EventBridge rule', NO_EVENTS],
    aws_cloudwatch_event_target: ['EventBridge target', NO_EVENTS],
    aws_secretsmanager_secret_version: ['value of a secret', 'the secret has its first value again'],
    aws_cloudwatch_query_definition: ['Logs Insights query', 'the saved query is gone'],
    aws_cloudwatch_log_resource_policy: ['CloudWatch Logs policy', NOT_ENFORCED],
    aws_cloudwatch_metric_alarm: [
      'CloudWatch alarm',
      'no notices until it is recreated; its history is lost',
    ],
    aws_default_security_group: ['default security group', 'Terraform only stops managing it'],
    aws_ecr_lifecycle_policy: ['ECR lifecycle policy', 'old images are kept until it is recreated'],
    aws_ecs_task_definition: [
      'ECS task definition',
      'a new revision; running tasks keep theirs until the next rollout',
    ],
    aws_flow_log: ['VPC flow log', NOT_LOGGED],
    aws_iam_policy: ['IAM policy', NO_PERMISSIONS],
    aws_iam_role_policy: ["IAM role's own policy", NO_PERMISSIONS],
    aws_iam_role_policy_attachment: ['IAM policy attachment', NO_PERMISSIONS],
    aws_kms_alias: ['KMS alias', 'requests that name the key by it fail until it is recreated'],
    aws_s3_bucket_lifecycle_configuration: ['S3 lifecycle', 'nothing expires until it is recreated'],
    aws_s3_bucket_logging: ['S3 access log', NOT_LOGGED],
    aws_s3_bucket_ownership_controls: ['S3 object ownership', SETTING],
    aws_s3_bucket_policy: ['S3 bucket policy', 'its statements do not apply until it is recreated'],
    aws_s3_bucket_public_access_block: [
      'S3 public access block',
      'the bucket could be made public meanwhile',
    ],
    aws_s3_bucket_server_side_encryption_configuration: ['S3 encryption', SETTING],
    aws_s3_bucket_versioning: ['S3 versioning', 'overwritten objects are not kept until it is recreated'],
    aws_s3_object: ['S3 object', 'it is missing until it is recreated'],
    aws_sns_topic_policy: ['SNS topic policy', NOT_ENFORCED],
    aws_wafv2_web_acl_logging_configuration: ['web firewall log', NOT_LOGGED],
  },
};

/** What this review knows of the types in a plan, which are those that the stack uses. */
export const RESOURCE_TYPES: Readonly<Record<string, ResourceType>> = Object.fromEntries(
  SEVERITIES.flatMap((severity) =>
    Object.entries(BY_SEVERITY[severity]).map(
      ([type, [label, meaning]]) => [type, { severity, label, meaning }] as const,
    ),
  ),
);

/** `aws_x_y` as AWS calls it, or the type's own words. */
export const resourceTypeLabel = (type: string): string =>
  RESOURCE_TYPES[type]?.label ?? type.replace(/^[a-z]+_/, '').replaceAll('_', ' ');

/** Something with data, or with an address that others keep, which the plan removes. */
export interface Loss {
  readonly address: string;
  readonly what: string;
  readonly name: string;
  readonly action: 'replace' | 'destroy';
  readonly lost: string;
}

/** What becomes of what is lost, where a resource's own settings decide it. */
const BY_SETTINGS: Readonly<Record<string, (before: Attributes) => string | false>> = {
  aws_ecr_repository: ({ force_delete }) => force_delete === false && REFUSED,
  aws_kms_key: ({ deletion_window_in_days: days }) =>
    days !== undefined && `the deletion can be cancelled within ${days} days`,
  aws_s3_bucket: ({ force_destroy }) => force_destroy === false && REFUSED,
  aws_sagemaker_domain: (domain) =>
    getPath(domain['retention_policy'], [0, 'home_efs_file_system']) === 'Retain' &&
    'they are: in an EFS file system without a domain',
};

/** Whatever the plan would lose for good. What was never finished holds nothing. */
export const findLosses = (resources: readonly Resource[]): readonly Loss[] =>
  resources.filter(isReplacedOrDestroyed).flatMap(({ address, type, before = {}, action, unfinished }) => {
    if (unfinished) return [];
    const settled = BY_SETTINGS[type]?.(before);
    const known = RESOURCE_TYPES[type];
    if (known?.severity !== 'data' && known?.severity !== 'endpoint-change') return [];
    return {
      address,
      what: known.label,
      name: displayName({ before, after: undefined }),
      action: action === 'replace' ? 'replace' : 'destroy',
      lost: settled ? `${known.meaning}; ${settled}` : known.meaning,
    };
  });
