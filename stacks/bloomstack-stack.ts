import { EcsCluster } from '@cdktf/provider-aws/lib/ecs-cluster/index.js';
import { AwsProvider } from '@cdktf/provider-aws/lib/provider/index.js';
import { LocalBackend, S3Backend, TerraformOutput, type TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';
import { WAS, WEB } from '../services/contract/services.ts';
import type { Configuration } from './config/schema.ts';
import { Delivery } from './delivery/delivery.ts';
import { createDeployment, type Deployment } from './deployment.ts';
import { Images } from './images/image-repository.ts';
import { Learning } from './learning/learning.ts';
import { Network } from './network/network.ts';
import { Observability } from './observability/observability.ts';
import { ReadableStack } from './readable-stack.ts';
import { invokeRole } from './service/invoke-role.ts';
import { LoadBalancedService } from './service/load-balanced-service.ts';
import { DomainName } from './service/load-balancer.ts';
import { WebAcl } from './service/web-acl.ts';
import { AccessLogBucket } from './storage/bucket.ts';

/** Terraform runs in cdktf.out/stacks/<stack>; the state lies in the project's folder, where tidying up does not lose it. */
const PROJECT = '../../..';

/** Says where Terraform remembers what exists: a file in the project, or a bucket that a team shares. */
const storeState = (stack: TerraformStack, { state, region }: Configuration): void => {
  const { id } = stack.node;
  if (!state.bucket) {
    // Without a path of its own the state would be written to an absolute one, different on every machine.
    new LocalBackend(stack, { path: `${PROJECT}/terraform.${id}.tfstate` });
    return;
  }
  const key = `${id}/terraform.tfstate`;
  new S3Backend(stack, { bucket: state.bucket, key, region: state.region || region, encrypt: true });
  // cdktf has no name yet for Terraform's own lock, an object beside the state.
  stack.addOverride('terraform.backend.s3.use_lockfile', true);
};

/** Id of the stack, which names its folder under cdktf.out and its state. */
const stackId = ({ environment }: Pick<Configuration, 'environment'>): string => `bloomstack-${environment}`;

/** The system in one stack, so that its whole plan can be read before anything is applied. */
export class BloomstackStack extends ReadableStack {
  constructor(scope: Construct, config: Configuration) {
    super(scope, stackId(config));
    const deployment = createDeployment(config);
    storeState(this, config);
    this.#provider(deployment);

    const network = new Network(this, 'network', { deployment });
    const images = new Images(this, 'images', { deployment });
    const services = this.#services(deployment, network, images);
    new Delivery(this, 'delivery', { deployment, images, services });
    new Learning(this, 'learning', { deployment, network, repository: images.ml });
    new Observability(this, 'observability', { deployment, services });
    this.#outputs(deployment, services);
  }

  #provider({ config }: Deployment): void {
    new AwsProvider(this, 'aws', {
      region: config.region,
      // A plan made for one account is never applied to another.
      allowedAccountIds: [config.account],
      defaultTags: [
        { tags: { project: 'bloomstack', environment: config.environment, 'managed-by': 'terraform' } },
      ],
    });
  }

  #services(deployment: Deployment, network: Network, images: Images) {
    const { config, names } = deployment;
    const accessLogs = new AccessLogBucket(this, 'access-logs', { deployment });
    const cluster = new EcsCluster(this, 'cluster', {
      name: names.cluster,
      setting: [{ name: 'containerInsights', value: 'enabled' }],
    });
    const common = { deployment, network, cluster, accessLogs };

    const was = new LoadBalancedService(this, 'was', {
      ...common,
      names: names.was,
      port: WAS.port,
      size: config.was,
      repository: images.was,
      environment: { AWS_REGION: config.region, ENDPOINT_NAME: names.learning.endpoint },
      taskRole: (scope) => invokeRole(scope, 'task', deployment),
    });
    const web = new LoadBalancedService(this, 'web', {
      ...common,
      names: names.web,
      port: WEB.port,
      size: config.web,
      repository: images.web,
      environment: { WAS_URL: `http://${was.loadBalancer.alb.dnsName}` },
      internet: { cidrs: config.network.allowedCidrs, certificateArn: config.https.certificateArn },
    });
    was.allowCallsFrom(web);

    if (config.firewall.enabled)
      new WebAcl(web, 'waf', {
        name: names.firewall,
        loadBalancer: web.loadBalancer,
        requestsPerFiveMinutes: config.firewall.requestsPerFiveMinutes,
      });
    if (config.https.hostedZoneId)
      new DomainName(web, 'domain', { ...config.https, loadBalancer: web.loadBalancer });
    return { web, was };
  }

  #outputs(
    { config, names }: Deployment,
    services: Readonly<Record<'web' | 'was', LoadBalancedService>>,
  ): void {
    const { https } = config;
    const host = https.domain || services.web.loadBalancer.alb.dnsName;
    new TerraformOutput(this, 'url', { value: `${https.certificateArn ? 'https' : 'http'}://${host}` });
    new TerraformOutput(this, 'artifact_bucket', { value: names.buckets.artifacts });
    new TerraformOutput(this, 'services', {
      value: Object.fromEntries(
        Object.entries(services).map(([key, { name, taskDefinition }]) => [
          key,
          { cluster: names.cluster, service: name, task_definition: taskDefinition.definition.arn },
        ]),
      ),
    });
  }
}
