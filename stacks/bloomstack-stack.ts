import { EcsCluster } from '@cdktf/provider-aws/lib/ecs-cluster/index.js';
import { AwsProvider } from '@cdktf/provider-aws/lib/provider/index.js';
import { LocalBackend, S3Backend, TerraformOutput, type TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';
import { WAS, WEB } from '../services/contract.ts';
import type { Configuration } from './config/schema.ts';
import { Delivery } from './delivery/delivery.ts';
import { createDeployment, type Deployment } from './deployment.ts';
import { Images } from './images/image-repository.ts';
import { Learning } from './learning/learning.ts';
import { Network } from './network/network.ts';
import { Observability } from './observability/observability.ts';
import { ReadableStack } from './readable-stack.ts';
import { createInvokeRole } from './service/invoke-role.ts';
import { LoadBalancedService } from './service/load-balanced-service.ts';
import { DomainName } from './service/load-balancer.ts';
import { WebAcl } from './service/web-acl.ts';
import { AccessLogBucket } from './storage/bucket.ts';

type Services = Readonly<Record<'web' | 'was', LoadBalancedService>>;

/** Terraform runs in cdktf.out/stacks/<stack>; the state is in the project's folder, where cleaning up does not lose it. */
const PROJECT = '../../..';

/** Where Terraform stores its state: a file in the project, or a bucket that a team shares. */
const storeState = (stack: TerraformStack, { state, region }: Configuration): void => {
  const { id } = stack.node;
  if (!state.bucket) {
    // Without a path of its own the state would be written to an absolute one, different on every machine.
    new LocalBackend(stack, { path: `${PROJECT}/terraform.${id}.tfstate` });
    return;
  }
  const key = `${id}/terraform.tfstate`;
  new S3Backend(stack, { bucket: state.bucket, key, region: state.region || region, encrypt: true });
  // cdktf has no property yet for Terraform's own lock, an object beside the state.
  stack.addOverride('terraform.backend.s3.use_lockfile', true);
};

/** Id of the stack, which names its folder under cdktf.out and its state. */
const stackId = ({ environment }: Pick<Configuration, 'environment'>): string => `bloomstack-${environment}`;

/** The system in one stack, so that its whole plan can be read before anything is applied. */
export class BloomstackStack extends ReadableStack {
  readonly #config: Configuration;
  readonly #deployment: Deployment;

  constructor(scope: Construct, config: Configuration) {
    super(scope, stackId(config));
    this.#config = config;
    this.#deployment = createDeployment(config);
    const deployment = this.#deployment;
    const { deletionProtection, observability } = config;
    const { logRetentionDays } = observability;
    storeState(this, config);
    this.#provider();

    const network = new Network(this, 'network', { deployment, settings: config.network });
    const images = new Images(this, 'images', {
      deployment,
      tags: { web: config.web.imageTag, was: config.was.imageTag, ml: config.learning.imageTag },
      deletionProtection,
    });
    const services = this.#services(network, images);
    new Delivery(this, 'delivery', {
      deployment,
      images,
      services,
      source: config.source,
      logRetentionDays,
      deletionProtection,
    });
    new Learning(this, 'learning', {
      deployment,
      network,
      repository: images.ml,
      settings: config.learning,
      deletionProtection,
    });
    new Observability(this, 'observability', { deployment, services, settings: observability });
    this.#outputs(services);
  }

  #provider(): void {
    const { region, account, environment } = this.#config;
    new AwsProvider(this, 'aws', {
      region,
      // A plan made for one account is never applied to another.
      allowedAccountIds: [account],
      defaultTags: [{ tags: { project: 'bloomstack', environment, 'managed-by': 'terraform' } }],
    });
  }

  #services(network: Network, images: Images): Services {
    const { names, region } = this.#deployment;
    const { deletionProtection, firewall, https, observability, ...config } = this.#config;
    const common = {
      deployment: this.#deployment,
      logRetentionDays: observability.logRetentionDays,
      deletionProtection,
    };
    const accessLogs = new AccessLogBucket(this, 'access-logs', common);
    const cluster = new EcsCluster(this, 'cluster', {
      name: names.cluster,
      setting: [{ name: 'containerInsights', value: 'enabled' }],
    });

    const was = new LoadBalancedService(this, 'was', {
      ...common,
      network,
      cluster,
      accessLogs,
      names: names.was,
      port: WAS.port,
      size: config.was,
      repository: images.was,
      environment: { AWS_REGION: region, ENDPOINT_NAME: names.learning.endpoint },
      taskRole: (scope) => createInvokeRole(scope, 'task', this.#deployment),
    });
    const web = new LoadBalancedService(this, 'web', {
      ...common,
      network,
      cluster,
      accessLogs,
      names: names.web,
      port: WEB.port,
      size: config.web,
      repository: images.web,
      environment: { WAS_URL: `http://${was.loadBalancer.alb.dnsName}` },
      internet: {
        cidrs: config.network.allowedCidrs,
        certificateArn: https.certificateArn || undefined,
      },
    });
    was.allowCallsFrom(web);

    const { loadBalancer } = web;
    if (firewall.enabled)
      new WebAcl(web, 'waf', {
        name: names.firewall,
        loadBalancer,
        requestsPerFiveMinutes: firewall.requestsPerFiveMinutes,
      });
    if (https.hostedZoneId) new DomainName(web, 'domain', { ...https, loadBalancer });
    return { web, was };
  }

  #outputs(services: Services): void {
    const { names } = this.#deployment;
    const { https } = this.#config;
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
