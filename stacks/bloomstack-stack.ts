import { EcsCluster } from '@cdktf/provider-aws/lib/ecs-cluster/index.js';
import { AwsProvider } from '@cdktf/provider-aws/lib/provider/index.js';
import { TerraformOutput } from 'cdktf';
import type { Construct } from 'constructs';
import { WAS, WEB } from '../services/contract.ts';
import { ReadableStack } from './addresses.ts';
import type { Configuration } from './config/schema.ts';
import { Delivery } from './delivery/delivery.ts';
import { type Deployment, deploymentOf } from './deployment.ts';
import { Images } from './images/images.ts';
import { Learning } from './learning/learning.ts';
import { Network } from './network/network.ts';
import { Observability } from './observability/observability.ts';
import { DomainName } from './service/domain-name.ts';
import { invokeRole } from './service/invoke-role.ts';
import { LoadBalancedService } from './service/load-balanced-service.ts';
import { WebFirewall } from './service/web-firewall.ts';
import { storeState } from './state.ts';
import { AccessLogBucket } from './storage/access-log-bucket.ts';

/** Id of the stack, which names its folder under cdktf.out and its state. */
export const stackIdOf = ({ environment }: Pick<Configuration, 'environment'>): string =>
  `bloomstack-${environment}`;

/** The system in one stack, so that its whole plan can be read before anything is applied. */
export class BloomstackStack extends ReadableStack {
  constructor(scope: Construct, config: Configuration) {
    super(scope, stackIdOf(config));
    const deployment = deploymentOf(config);
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
      new WebFirewall(web, 'waf', {
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
