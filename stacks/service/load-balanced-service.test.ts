import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { problemSchema } from '../../services/contract.ts';
import { assertProperties, CERTIFICATE_ARN, synthesizedStack } from '../synthesized-stack.ts';

const stack = synthesizedStack();

const containers = z.array(
  z.looseObject({
    name: z.string(),
    environment: z.array(z.object({ name: z.string(), value: z.string() })),
    healthCheck: z.looseObject({ command: z.array(z.string()) }),
  }),
);

const taskContainer = (from: typeof stack, key: string) => {
  const text = z.string().parse(from.get(`aws_ecs_task_definition.${key}-td`)['container_definitions']);
  const [container, ...others] = containers.parse(JSON.parse(text));
  assert.ok(container);
  assert.deepEqual(others, []);
  return container;
};

/** Ports, and the groups that they are open to. */
const inboundRules = (group: string) =>
  stack
    .ofType('aws_vpc_security_group_ingress_rule')
    .filter((rule) => rule['security_group_id'] === `\${aws_security_group.${group}.id}`)
    .map((rule) => [rule['from_port'], rule['to_port'], rule['referenced_security_group_id']]);

const SERVICES = [
  { key: 'web', port: 8000, internal: false, reach: 'internet-facing', subnets: 'public' },
  { key: 'was', port: 8081, internal: true, reach: 'internal', subnets: 'private' },
] as const;

for (const { key, port, internal, reach, subnets } of SERVICES) {
  const name = `app-${key}`;
  const inSubnets = (kind: string) => ['a', 'c'].map((zone) => `\${aws_subnet.network-${kind}-${zone}.id}`);
  const [targetGroup, group] = [
    `\${aws_lb_target_group.${key}-alb-tg.arn}`,
    `\${aws_security_group.${key}-sg.id}`,
  ];
  const settings: readonly (readonly [title: string, address: string, expected: Record<string, unknown>])[] =
    [
      [
        `ECR repository ${name}: immutable, scanned, kept small`,
        `aws_ecr_repository.images-${key}-repository`,
        { name, image_tag_mutability: 'IMMUTABLE', image_scanning_configuration: { scan_on_push: true } },
      ],
      [
        `load balancer ${name}-alb: ${reach}, in the two ${subnets} subnets, logged, strict about headers`,
        `aws_lb.${key}-alb`,
        {
          name: `${name}-alb`,
          load_balancer_type: 'application',
          internal,
          subnets: inSubnets(subnets),
          security_groups: [`\${aws_security_group.${key}-alb-sg.id}`],
          drop_invalid_header_fields: true,
          access_logs: { bucket: 'app-access-logs-123456789012', prefix: `${name}-alb`, enabled: true },
        },
      ],
      [
        `the load balancer ${name}-alb forwards what comes by HTTP`,
        `aws_lb_listener.${key}-alb-http`,
        { port: 80, protocol: 'HTTP', default_action: [{ type: 'forward', target_group_arn: targetGroup }] },
      ],
      [
        `service ${name}-service: two private tasks without shell, rolled back if a deployment fails`,
        `aws_ecs_service.${key}-service`,
        {
          name: `${name}-service`,
          cluster: '${aws_ecs_cluster.cluster.arn}',
          desired_count: 2,
          launch_type: 'FARGATE',
          enable_execute_command: false,
          deployment_circuit_breaker: { enable: true, rollback: true },
          network_configuration: {
            assign_public_ip: false,
            security_groups: [group],
            subnets: inSubnets('private'),
          },
          load_balancer: [{ container_name: name, container_port: port, target_group_arn: targetGroup }],
          // The pipeline's image and autoscaling's number of tasks make no difference to Terraform.
          lifecycle: { ignore_changes: ['task_definition', 'desired_count'] },
        },
      ],
      [
        `autoscaling ${name}-asg-policy: two to four tasks at 70 % CPU, 300 s apart`,
        `aws_appautoscaling_policy.${key}-scaling-policy`,
        {
          name: `${name}-asg-policy`,
          policy_type: 'TargetTrackingScaling',
          target_tracking_scaling_policy_configuration: {
            predefined_metric_specification: { predefined_metric_type: 'ECSServiceAverageCPUUtilization' },
            target_value: 70,
            scale_in_cooldown: 300,
            scale_out_cooldown: 300,
          },
        },
      ],
      [
        `the number of tasks of ${name} is scaled`,
        `aws_appautoscaling_target.${key}-scaling-target`,
        { min_capacity: 2, max_capacity: 4, scalable_dimension: 'ecs:service:DesiredCount' },
      ],
    ];
  for (const [title, address, expected] of settings)
    test(title, () => assertProperties(stack.get(address), expected));

  test(`security group ${name}-sg: port ${port} from ${name}-alb-sg only`, () => {
    assertProperties(stack.get(`aws_security_group.${key}-sg`), { name: `${name}-sg` });
    assert.deepEqual(inboundRules(`${key}-sg`), [[port, port, `\${aws_security_group.${key}-alb-sg.id}`]]);
  });

  test(`target group ${name}-alb-tg: addresses on port ${port}, checked by GET /health`, () => {
    const group = stack.get(`aws_lb_target_group.${key}-alb-tg`);
    assertProperties(group, { name: `${name}-alb-tg`, target_type: 'ip', port, protocol: 'HTTP' });
    assert.match(JSON.stringify(group['health_check']), /"path":"\/health"/);
  });

  test(`task definition ${name}-td: one container ${name} on Fargate and ARM64, without root and with a read-only file system`, () => {
    assertProperties(stack.get(`aws_ecs_task_definition.${key}-td`), {
      family: `${name}-td`,
      requires_compatibilities: ['FARGATE'],
      network_mode: 'awsvpc',
      cpu: '512',
      memory: '1024',
      runtime_platform: { cpu_architecture: 'ARM64', operating_system_family: 'LINUX' },
    });
    const container = taskContainer(stack, key);
    assertProperties(container, {
      name,
      image: `123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/${name}:initial`,
      user: '1000:1000',
      readonlyRootFilesystem: true,
      portMappings: [{ containerPort: port, hostPort: port, protocol: 'tcp' }],
      // ECS answers with the empty list; without it every plan would replace the definition.
      linuxParameters: { initProcessEnabled: true, capabilities: { add: [], drop: ['ALL'] } },
    });
    assert.match(container.healthCheck.command.join(), new RegExp(`127\\.0\\.0\\.1:${port}/health`));
  });
}

test('ECS cluster AppEcsCluster', () => {
  assertProperties(stack.get('aws_ecs_cluster.cluster'), { name: 'AppEcsCluster' });
});

test('security group app-web-alb-sg: port 80 from anywhere', () => {
  assertProperties(stack.get('aws_security_group.web-alb-sg'), { name: 'app-web-alb-sg' });
  const rule = stack.get('aws_vpc_security_group_ingress_rule.web-alb-sg-from-internet-80-0');
  assertProperties(rule, { cidr_ipv4: '0.0.0.0/0', from_port: 80, to_port: 80 });
});

test('security group app-was-alb-sg: port 80 from app-web-sg only', () => {
  assertProperties(stack.get('aws_security_group.was-alb-sg'), { name: 'app-was-alb-sg' });
  assert.deepEqual(inboundRules('was-alb-sg'), [[80, 80, '${aws_security_group.web-sg.id}']]);
});

test('role ecsWasTaskRole with the policy InvokeSageMakerEndpoint, for one endpoint', () => {
  assertProperties(stack.get('aws_iam_role.was-task-role'), { name: 'ecsWasTaskRole' });
  assertProperties(stack.get('aws_iam_policy.was-task-policy'), { name: 'InvokeSageMakerEndpoint' });
  assertProperties(stack.get('aws_iam_role_policy_attachment.was-task-policy-attachment'), {
    role: '${aws_iam_role.was-task-role.name}',
    policy_arn: '${aws_iam_policy.was-task-policy.arn}',
  });
  const granted = stack.statements().filter(({ address }) => address === 'aws_iam_policy.was-task-policy');
  const endpoint = 'arn:aws:sagemaker:ap-northeast-2:123456789012:endpoint/image-classifier';
  assert.deepEqual(
    granted.map(({ Action, Resource }) => [Action, Resource]),
    [[['sagemaker:InvokeEndpoint'], [endpoint]]],
  );
  assertProperties(stack.get('aws_ecs_task_definition.was-td'), {
    task_role_arn: '${aws_iam_role.was-task-role.arn}',
  });
  assertProperties(stack.get('aws_ecs_task_definition.web-td'), { task_role_arn: undefined });
});

test('the environment of each service names what it calls, and holds no secret', () => {
  const METRICS_NAMESPACE = 'Bloomstack/bloomstack-dev';
  for (const [key, expected] of Object.entries({
    web: { PORT: '8000', WAS_URL: 'http://${aws_lb.was-alb.dns_name}' },
    was: { PORT: '8081', AWS_REGION: 'ap-northeast-2', ENDPOINT_NAME: 'image-classifier' },
  })) {
    const variables = taskContainer(stack, key).environment.map(({ name, value }) => [name, value]);
    assert.deepEqual(Object.fromEntries(variables), { METRICS_NAMESPACE, ...expected });
  }
});

test('with keys, web may read their secret and nothing else, and Terraform does not overwrite it', () => {
  const full = synthesizedStack('full');
  const environment = new Map(taskContainer(full, 'web').environment.map(({ name, value }) => [name, value]));
  assert.equal(environment.get('API_KEYS_SECRET'), '${aws_secretsmanager_secret.api-keys.arn}');
  assert.equal(environment.get('CORS_ORIGINS'), 'https://shop.example');
  const granted = full
    .statements()
    .filter(({ address }) => address.startsWith('aws_iam_role_policy.web-task-role'));
  assert.deepEqual(
    granted.map(({ Action, Resource }) => [Action, Resource]),
    [
      [
        ['secretsmanager:GetSecretValue'],
        ['arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:flower-api-keys-two-??????'],
      ],
    ],
  );
  assertProperties(full.get('aws_secretsmanager_secret_version.api-keys-first'), {
    secret_string: '{}',
    lifecycle: { ignore_changes: ['secret_string', 'version_stages'] },
  });
  assert.deepEqual(stack.ofType('aws_secretsmanager_secret'), []);
});

for (const [what, name, certificate] of [
  ['a domain and zone', 'full', '${aws_acm_certificate_validation.certificate-validation.certificate_arn}'],
  ['a domain and a certificate', 'minimal', CERTIFICATE_ARN],
] as const)
  test(`with ${what} the public load balancer serves HTTPS and redirects HTTP; the internal one does not`, () => {
    const secure = synthesizedStack(name);
    assertProperties(secure.get('aws_lb_listener.web-alb-https'), {
      port: 443,
      protocol: 'HTTPS',
      certificate_arn: certificate,
      ssl_policy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
      default_action: [{ type: 'forward', target_group_arn: '${aws_lb_target_group.web-alb-tg.arn}' }],
    });
    assertProperties(secure.get('aws_lb_listener.web-alb-http'), {
      port: 80,
      default_action: [
        { type: 'redirect', redirect: { protocol: 'HTTPS', port: '443', status_code: 'HTTP_301' } },
      ],
    });
    assertProperties(secure.get('aws_vpc_security_group_ingress_rule.web-alb-sg-from-internet-443-0'), {
      from_port: 443,
    });
    assert.ok(!secure.addresses.includes('aws_lb_listener.was-alb-https'));
    assert.equal(secure.output['url']?.value, 'https://flowers.example');
  });

test('in the zone of the domain the certificate is validated and the name points at the load balancer; without a zone it is said where it must', () => {
  const secure = synthesizedStack('full');
  assertProperties(secure.get('aws_acm_certificate.certificate'), {
    domain_name: 'flowers.example',
    validation_method: 'DNS',
  });
  const option = 'tolist(aws_acm_certificate.certificate.domain_validation_options)[0]';
  assertProperties(secure.get('aws_route53_record.certificate-validation-record'), {
    zone_id: 'Z1',
    name: `\${${option}.resource_record_name}`,
    type: `\${${option}.resource_record_type}`,
    records: [`\${${option}.resource_record_value}`],
  });
  assertProperties(secure.get('aws_acm_certificate_validation.certificate-validation'), {
    certificate_arn: '${aws_acm_certificate.certificate.arn}',
    validation_record_fqdns: ['${aws_route53_record.certificate-validation-record.fqdn}'],
  });
  assertProperties(secure.get('aws_route53_record.web-domain'), { name: 'flowers.example', zone_id: 'Z1' });
  assert.equal(secure.output['point_domain_at'], undefined);
  assert.equal(synthesizedStack('minimal').output['point_domain_at']?.value, '${aws_lb.web-alb.dns_name}');
});

test('a task starts after its route to the registry and its listener', () => {
  const waysOut = ['a', 'c'].flatMap((zone) => [
    `aws_route.network-routes-private-${zone}-default`,
    `aws_route_table_association.network-routes-private-${zone}-subnet`,
    `aws_route_table_association.network-routes-public-${zone}-subnet`,
  ]);
  for (const key of ['web', 'was']) {
    const dependencies = z.array(z.string()).parse(stack.get(`aws_ecs_service.${key}-service`)['depends_on']);
    const needed = [...waysOut, 'aws_route.network-routes-public-default', `aws_lb_listener.${key}-alb-http`];
    for (const address of needed) assert.ok(dependencies.includes(address), address);
  }
});

const counted = z.object({ name: z.string(), action_to_use: z.strictObject({ count: z.object({}) }) });
const aclStatement = z.object({
  rate_based_statement: z.object({ limit: z.number(), aggregate_key_type: z.string() }).optional(),
  managed_rule_group_statement: z.object({ rule_action_override: z.array(counted) }).optional(),
});
const acl = z
  .object({
    custom_response_body: z.array(z.object({ content_type: z.string(), content: z.string() })),
    rule: z.array(z.object({ name: z.string(), statement: aclStatement })),
  })
  .parse(stack.get('aws_wafv2_web_acl.web-waf'));

test('the web ACL protects the public load balancer only, and can be switched off', () => {
  assert.deepEqual(
    stack.ofType('aws_wafv2_web_acl_association').map((each) => each['resource_arn']),
    ['${aws_lb.web-alb.arn}'],
  );
  assert.deepEqual(synthesizedStack('minimal').ofType('aws_wafv2_web_acl'), []);
});

test('the web ACL limits each address and applies managed rules', () => {
  const limits = acl.rule.flatMap(({ statement }) => statement.rate_based_statement ?? []);
  assert.deepEqual(limits, [{ limit: 2000, aggregate_key_type: 'IP' }]);
  assert.equal(acl.rule.flatMap(({ statement }) => statement.managed_rule_group_statement ?? []).length, 3);
});

test('no rule of the web ACL refuses a photo for its size or its bytes', () => {
  const common = acl.rule.find(({ name }) => name === 'AWSManagedRulesCommonRuleSet');
  const overrides = common?.statement.managed_rule_group_statement?.rule_action_override ?? [];
  const counted = overrides.map(({ name }) => name);
  for (const rule of ['SizeRestrictions', 'CrossSiteScripting', 'GenericLFI', 'GenericRFI'])
    assert.ok(counted.includes(`${rule}_BODY`), `${rule} would refuse photos`);
});

test('too many requests are answered with a problem like those of the services', () => {
  const [body] = acl.custom_response_body;
  assert.equal(body?.content_type, 'APPLICATION_JSON');
  const { status, code } = problemSchema.parse(JSON.parse(body?.content ?? ''));
  assert.deepEqual([status, code], [429, 'rate-limited']);
});
