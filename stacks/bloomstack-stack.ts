import { CloudwatchLogGroup } from '@cdktf/provider-aws/lib/cloudwatch-log-group/index.js';
import { EcsCluster } from '@cdktf/provider-aws/lib/ecs-cluster/index.js';
import { AwsProvider } from '@cdktf/provider-aws/lib/provider/index.js';
import { LocalBackend, S3Backend, TerraformElement, TerraformOutput, TerraformStack } from 'cdktf';
import type { Construct, Node } from 'constructs';
import { WAS, WEB } from '../services/contract.ts';
import type { Configuration } from './config/schema.ts';
import { Delivery } from './delivery/delivery.ts';
import { createDeployment, type Deployment } from './deployment.ts';
import { createImages, type Images } from './images/image-repository.ts';
import { Learning } from './learning/learning.ts';
import { stackName, stateNames } from './names.ts';
import { Network } from './network/network.ts';
import { Observability } from './observability/observability.ts';
import { KeyStore } from './service/key-store.ts';
import { LoadBalancedService, type Services } from './service/load-balanced-service.ts';
import { createCertificate, pointDomain } from './service/load-balancer.ts';
import { createInvokeRole } from './service/task-definition.ts';
import { WebAcl } from './service/web-acl.ts';
import { AccessLogBucket, logRequests } from './storage/bucket.ts';

/** A construct's main resource has this id and is addressed by the construct's own path. */
const MAIN = 'Resource';

/**
 * A stack whose resources are addressed by their construct's path: `web/alb` is `aws_lb.web-alb`. cdktf would add a
 * hash to make paths unique; here two equal addresses are an error instead.
 *
 * Renaming or re-nesting a construct changes the address, and Terraform then replaces the resource.
 */
class ReadableStack extends TerraformStack {
  readonly #paths = new Map<string, string>();

  protected override allocateLogicalId(element: TerraformElement | Node): string {
    const node = TerraformElement.isTerraformElement(element) ? element.node : element;
    const path = node.scopes.slice(node.scopes.indexOf(this) + 1).map(({ node: { id } }) => id);
    const address = path.filter((id) => id !== MAIN).join('-');
    const type = TerraformElement.isTerraformElement(element) ? element.constructor.name : '';
    const known = this.#paths.get(`${type} ${address}`);
    if (known !== undefined && known !== node.path)
      throw new Error(
        `${node.path} and ${known} would both be addressed as ${address}: rename one of the constructs.`,
      );
    this.#paths.set(`${type} ${address}`, node.path);
    return address;
  }
}

/** Terraform runs in cdktf.out/stacks/<stack>; the state is in the project's folder, where cleaning up does not lose it. */
const PROJECT = '../../..';

/** Where Terraform stores its state: a file in the project, or a bucket that a team shares. */
const storeState = (stack: TerraformStack, config: Configuration): void => {
  const { state, region } = config;
  const { file, key } = stateNames(config);
  if (!state.bucket) {
    // Without a path of its own the state would be written to an absolute one, different on every machine.
    new LocalBackend(stack, { path: `${PROJECT}/${file}` });
    return;
  }
  new S3Backend(stack, { bucket: state.bucket, key, region: state.region || region, encrypt: true });
  // cdktf has no property yet for Terraform's own lock, an object beside the state.
  stack.addOverride('terraform.backend.s3.use_lockfile', true);
};

/** The system in one stack, so that its whole plan can be read before anything is applied. */
export class BloomstackStack extends ReadableStack {
  readonly #config: Configuration;
  readonly #deployment: Deployment;

  constructor(scope: Construct, config: Configuration) {
    // It names the stack's folder under cdktf.out, and its state.
    super(scope, stackName(config));
    this.#config = config;
    this.#deployment = createDeployment(config);
    const deployment = this.#deployment;
    storeState(this, config);
    this.#provider();

    const { bucketLogs, flowLogs, sharedLogGroups } = config.observability;
    const network = new Network(this, 'network', { deployment, settings: config.network, flowLogs });
    const images = createImages(this, deployment, {
      web: config.web.imageTag,
      was: config.was.imageTag,
      ml: config.learning.imageTag,
    });
    const accessLogs = new AccessLogBucket(this, 'access-logs', deployment, bucketLogs);
    const services = this.#services(network, images, accessLogs);
    const { artifacts } = new Delivery(this, 'delivery', {
      deployment,
      images,
      services,
      source: config.source,
    });
    const { dataset } = new Learning(this, 'learning', {
      deployment,
      network,
      repository: images.ml,
      settings: config.learning,
      sharedLogGroups,
    });
    if (bucketLogs) for (const bucket of [artifacts.bucket, dataset]) logRequests(bucket, accessLogs);
    new Observability(this, 'observability', { deployment, services, settings: config.observability });
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

  #services(network: Network, images: Images, accessLogs: AccessLogBucket): Services {
    const deployment = this.#deployment;
    const { names, region } = deployment;
    const { api, firewall, https, ...config } = this.#config;
    const { metricsNamespace: METRICS_NAMESPACE } = deployment;
    // Container Insights would create it without retention.
    const insights = new CloudwatchLogGroup(this, 'cluster-logs', {
      name: names.clusterLogGroup,
      retentionInDays: deployment.logRetentionDays,
    });
    const cluster = new EcsCluster(this, 'cluster', {
      name: names.cluster,
      setting: [{ name: 'containerInsights', value: 'enabled' }],
      dependsOn: [insights],
    });
    const common = { deployment, network, cluster, accessLogs };

    const was = new LoadBalancedService(this, 'was', {
      ...common,
      names: names.was,
      port: WAS.port,
      size: config.was,
      repository: images.was,
      environment: { AWS_REGION: region, ENDPOINT_NAME: names.learning.endpoint, METRICS_NAMESPACE },
      taskRole: (scope) => createInvokeRole(scope, 'task', deployment),
    });
    const keys = api.keys ? new KeyStore(this, 'api-keys', deployment) : undefined;
    const web = new LoadBalancedService(this, 'web', {
      ...common,
      names: names.web,
      port: WEB.port,
      size: config.web,
      repository: images.web,
      environment: {
        WAS_URL: `http://${was.loadBalancer.alb.dnsName}`,
        METRICS_NAMESPACE,
        ...(keys && {
          AWS_REGION: region,
          API_KEYS_SECRET: keys.arn,
          PHOTOS_PER_MINUTE: String(api.photosPerMinute),
          OPEN_PAGE: String(api.openPage),
        }),
        ...(api.corsOrigins.length > 0 && { CORS_ORIGINS: api.corsOrigins.join(',') }),
      },
      ...(keys && { taskRole: (scope) => keys.createReaderRole(scope) }),
      internet: {
        cidrs: config.network.allowedCidrs,
        certificateArn: this.#certificate(),
      },
    });
    was.allowCallsFrom(web);

    const { loadBalancer } = web;
    if (firewall.enabled)
      new WebAcl(web, 'waf', {
        deployment,
        loadBalancer,
        requestsPerFiveMinutes: firewall.requestsPerFiveMinutes,
        logs: config.observability.firewallLogs,
      });
    if (https.hostedZoneId) pointDomain(web, https, loadBalancer);
    return { web, was };
  }

  /** ARN of the certificate of the public load balancer: the one given, or one requested for the domain. */
  #certificate(): string | undefined {
    const { certificateArn, domain } = this.#config.https;
    if (certificateArn || !domain) return certificateArn || undefined;
    return createCertificate(this, this.#config.https);
  }

  #outputs(services: Services): void {
    const { names } = this.#deployment;
    const { https } = this.#config;
    const { dnsName } = services.web.loadBalancer.alb;
    new TerraformOutput(this, 'url', {
      value: https.domain ? `https://${https.domain}` : `http://${dnsName}`,
    });
    // The name resolves to nothing until it points here.
    if (https.domain && !https.hostedZoneId) new TerraformOutput(this, 'point_domain_at', { value: dnsName });
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
