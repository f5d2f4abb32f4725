/**
 * How grave it is when a resource is replaced or destroyed.
 * - `data`: what it stores is lost.
 * - `address`: others have written its name or address down, and a new one differs.
 * - `outage`: something does not work while there is none.
 * - `harmless`: nobody notices.
 */
export type Gravity = 'data' | 'address' | 'outage' | 'harmless';

interface ResourceType {
  /** In the words of AWS. */
  readonly what: string;
  readonly gravity: Gravity;
  /** What it means that one is replaced or destroyed. */
  readonly meaning: string;
}

const type = (what: string, gravity: Gravity, meaning: string): ResourceType => ({ what, gravity, meaning });

const SETTING = "the setting is AWS's default until it is set again";
const UNREACHABLE = 'what is behind it is unreachable while there is none';
const NO_RIGHTS = 'what runs with it is refused while there is none';

/** What this review knows of the types in a plan: all that the stack uses, and what commonly holds data. */
export const RESOURCE_TYPES: Readonly<Record<string, ResourceType>> = {
  // Data
  aws_codecommit_repository: type(
    'CodeCommit repository',
    'data',
    'all branches and their history are deleted',
  ),
  aws_cloudwatch_log_group: type('CloudWatch log group', 'data', 'all logs in it are deleted'),
  aws_db_instance: type('RDS database', 'data', 'the database is deleted'),
  aws_dynamodb_table: type('DynamoDB table', 'data', 'all items are deleted'),
  aws_ebs_volume: type('EBS volume', 'data', 'the volume is deleted'),
  aws_ecr_repository: type(
    'ECR repository',
    'data',
    'all images are deleted; tasks that name them cannot start',
  ),
  aws_efs_file_system: type('EFS file system', 'data', 'all files are deleted'),
  aws_kms_key: type('KMS key', 'data', 'everything encrypted with it becomes unreadable for ever'),
  aws_rds_cluster: type('RDS cluster', 'data', 'the database is deleted'),
  aws_s3_bucket: type('S3 bucket', 'data', 'all objects and their versions are deleted'),
  aws_sagemaker_domain: type(
    'SageMaker Studio domain',
    'data',
    'its users, spaces and home directories go with it',
  ),
  aws_sagemaker_model_package_group: type(
    'SageMaker model package group',
    'data',
    'all registered model versions are deleted',
  ),
  aws_sagemaker_user_profile: type(
    'SageMaker Studio user',
    'data',
    "the user's home directory and spaces are lost",
  ),
  aws_secretsmanager_secret: type('secret', 'data', 'the secret is deleted'),
  aws_ssm_parameter: type('SSM parameter', 'data', 'its value is deleted'),

  // Addresses
  aws_acm_certificate: type(
    'TLS certificate',
    'address',
    'a new one must be validated before HTTPS works with it',
  ),
  aws_eip: type(
    'Elastic IP address',
    'address',
    'the public address changes; allow lists elsewhere must follow',
  ),
  aws_lb: type('load balancer', 'address', 'its DNS name is gone; what calls it must learn another'),
  aws_route53_zone: type(
    'DNS zone',
    'address',
    'its name servers change; the domain does not resolve while there is none',
  ),

  // Outages
  aws_appautoscaling_policy: type(
    'autoscaling policy',
    'outage',
    'the number of tasks does not follow the load while there is none',
  ),
  aws_appautoscaling_target: type(
    'autoscaling limits',
    'outage',
    'the number of tasks does not follow the load while there is none',
  ),
  aws_codebuild_project: type(
    'CodeBuild project',
    'outage',
    'running builds stop and the build history is gone',
  ),
  aws_codepipeline: type('CodePipeline', 'outage', 'running deliveries stop and the history is gone'),
  aws_ecs_cluster: type('ECS cluster', 'outage', 'every service in it stops and starts anew'),
  aws_ecs_service: type('ECS service', 'outage', 'all its tasks stop; new ones start afterwards'),
  aws_internet_gateway: type(
    'internet gateway',
    'outage',
    'nothing reaches the internet, nor is reached from it, while there is none',
  ),
  aws_lb_listener: type('load balancer listener', 'outage', 'the port is closed while there is none'),
  aws_lb_listener_rule: type(
    'load balancer rule',
    'outage',
    'requests go to the default target while there is none',
  ),
  aws_lb_target_group: type(
    'target group',
    'outage',
    'no task answers until the tasks are registered in another',
  ),
  aws_nat_gateway: type(
    'NAT gateway',
    'outage',
    'private subnets cannot reach the internet while there is none',
  ),
  aws_route: type('route', 'outage', UNREACHABLE),
  aws_route53_record: type('DNS record', 'outage', 'the name does not resolve while there is none'),
  aws_route_table: type('route table', 'outage', UNREACHABLE),
  aws_route_table_association: type(
    "subnet's route table",
    'outage',
    "the subnet uses the VPC's main table while there is none",
  ),
  aws_sagemaker_pipeline: type('SageMaker pipeline', 'outage', 'the history of its executions is gone'),
  aws_security_group: type('security group', 'outage', 'everything that uses it must be moved to another'),
  aws_sns_topic: type(
    'SNS topic',
    'outage',
    "its ARN's subscribers are gone; e-mail addresses must be confirmed again",
  ),
  aws_sns_topic_subscription: type('SNS subscription', 'outage', 'an e-mail address must be confirmed again'),
  aws_subnet: type('subnet', 'outage', 'everything in it must be moved or replaced'),
  aws_vpc: type('VPC', 'outage', 'everything in it must be replaced'),
  aws_vpc_endpoint: type(
    'VPC endpoint',
    'outage',
    'traffic to that AWS service takes another way while there is none',
  ),
  aws_wafv2_web_acl: type('web firewall (WAF)', 'outage', 'requests pass unchecked while there is none'),
  aws_wafv2_web_acl_association: type(
    'web firewall association',
    'outage',
    'requests pass unchecked while there is none',
  ),
  aws_iam_instance_profile: type('instance profile', 'outage', NO_RIGHTS),
  aws_iam_role: type('IAM role', 'outage', NO_RIGHTS),

  // Harmless
  aws_budgets_budget: type('budget', 'harmless', 'nobody is told of costs while there is none'),
  aws_cloudwatch_dashboard: type('CloudWatch dashboard', 'harmless', 'the page is gone'),
  aws_cloudwatch_event_rule: type('EventBridge rule', 'harmless', 'events start nothing while there is none'),
  aws_cloudwatch_event_target: type(
    'EventBridge target',
    'harmless',
    'events start nothing while there is none',
  ),
  aws_cloudwatch_metric_alarm: type(
    'CloudWatch alarm',
    'harmless',
    'nobody is told while there is none; its history is gone',
  ),
  aws_default_security_group: type('default security group', 'harmless', 'Terraform only stops managing it'),
  aws_ecr_lifecycle_policy: type('ECR lifecycle policy', 'harmless', 'old images stay while there is none'),
  aws_ecr_repository_policy: type(
    'ECR repository policy',
    'harmless',
    'its statements do not hold while there is none',
  ),
  aws_ecs_cluster_capacity_providers: type('ECS capacity providers', 'harmless', SETTING),
  aws_ecs_task_definition: type(
    'ECS task definition',
    'harmless',
    'a new revision is registered; running tasks keep theirs until the next rollout',
  ),
  aws_iam_policy: type('IAM policy', 'harmless', 'its rights are missing while there is none'),
  aws_iam_role_policy: type(
    "IAM role's own policy",
    'harmless',
    'its rights are missing while there is none',
  ),
  aws_iam_role_policy_attachment: type(
    'IAM policy attachment',
    'harmless',
    'its rights are missing while there is none',
  ),
  aws_kms_alias: type('KMS alias', 'harmless', 'who names the key by it is refused while there is none'),
  aws_kms_key_policy: type('KMS key policy', 'harmless', 'its statements do not hold while there is none'),
  aws_s3_bucket_lifecycle_configuration: type(
    'S3 lifecycle',
    'harmless',
    'nothing expires while there is none',
  ),
  aws_s3_bucket_ownership_controls: type('S3 object ownership', 'harmless', SETTING),
  aws_s3_bucket_policy: type(
    'S3 bucket policy',
    'harmless',
    'its statements, refusals too, do not hold while there is none',
  ),
  aws_s3_bucket_public_access_block: type(
    'S3 public access block',
    'harmless',
    'the bucket could be made public while there is none',
  ),
  aws_s3_bucket_server_side_encryption_configuration: type('S3 encryption', 'harmless', SETTING),
  aws_s3_object: type('S3 object', 'harmless', 'it is missing until it is written again from the code'),
  aws_s3_bucket_versioning: type(
    'S3 versioning',
    'harmless',
    'overwritten objects are not kept while there is none',
  ),
  aws_sns_topic_policy: type(
    'SNS topic policy',
    'harmless',
    'its statements do not hold while there is none',
  ),
  aws_vpc_security_group_egress_rule: type(
    'outbound rule',
    'harmless',
    'new connections by it fail while there is none',
  ),
  aws_vpc_security_group_ingress_rule: type(
    'inbound rule',
    'harmless',
    'new connections by it fail while there is none',
  ),
};

/** `aws_x_y` in words: as AWS calls it, or the type's own words. */
export const inWords = (name: string): string =>
  RESOURCE_TYPES[name]?.what ?? name.replace(/^[a-z]+_/, '').replaceAll('_', ' ');
