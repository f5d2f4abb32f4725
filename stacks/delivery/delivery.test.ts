import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { assertProperties, CONNECTION_ARN, synthesizedStack } from '../synthesized-stack.ts';
import { ONE_AFTER_ANOTHER_MINUTES } from './image-build.ts';

const stack = synthesizedStack();
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const action = z.object({ provider: z.string(), configuration: z.record(z.string(), z.string()) });
const stages = z.array(
  z.object({ name: z.string(), action: z.array(action), before_entry: z.unknown().optional() }),
);
const pipelineStages = (from: typeof stack, key: string) =>
  stages.parse(from.get(`aws_codepipeline.delivery-${key}-pipeline`)['stage']);

const environment = z.object({
  type: z.string(),
  image: z.string(),
  compute_type: z.string(),
  privileged_mode: z.boolean(),
  environment_variable: z.array(z.object({ name: z.string(), value: z.string() })),
});
/** CodePipeline's limits are in it. */
const paths = z.object({ includes: z.array(z.string()).max(8) });
const push = z.array(z.object({ branches: z.unknown(), file_paths: paths })).max(3);
const triggers = z.tuple([z.object({ git_configuration: z.object({ push }) })]);

const buildEnvironment = (key: string) =>
  environment.parse(stack.get(`aws_codebuild_project.delivery-${key}-build`)['environment']);

const buildVariables = (key: string) =>
  Object.fromEntries(buildEnvironment(key).environment_variable.map(({ name, value }) => [name, value]));

for (const key of ['web', 'was'] as const) {
  const project = key === 'web' ? 'appWebBuild' : 'appWasBuild';

  test(`CodeCommit repository app-${key}`, () => {
    assertProperties(stack.get(`aws_codecommit_repository.delivery-${key}-repository`), {
      repository_name: `app-${key}`,
    });
  });

  test(`CodeBuild project ${project}: Docker on the CPU on which the tasks run`, () => {
    assertProperties(stack.get(`aws_codebuild_project.delivery-${key}-build`), { name: project });
    const { privileged_mode, type, image } = buildEnvironment(key);
    assert.deepEqual([privileged_mode, type], [true, 'ARM_CONTAINER']);
    assert.match(image, /^aws\/codebuild\/amazonlinux-aarch64/);
    assertProperties(stack.get(`aws_ecs_task_definition.${key}-td`), {
      runtime_platform: { cpu_architecture: 'ARM64', operating_system_family: 'LINUX' },
    });
  });

  test(`CodePipeline app-${key}-pipeline: V2, CodeCommit main, then ${project}, then app-${key}-service`, () => {
    const pipeline = stack.get(`aws_codepipeline.delivery-${key}-pipeline`);
    assertProperties(pipeline, { name: `app-${key}-pipeline`, pipeline_type: 'V2' });
    const RepositoryName = `\${aws_codecommit_repository.delivery-${key}-repository.repository_name}`;
    const ServiceName = `\${aws_ecs_service.${key}-service.name}`;
    assert.deepEqual(
      pipelineStages(stack, key).flatMap((stage) => stage.action),
      [
        {
          provider: 'CodeCommit',
          configuration: { RepositoryName, BranchName: 'main', PollForSourceChanges: 'false' },
        },
        {
          provider: 'CodeBuild',
          configuration: { ProjectName: `\${aws_codebuild_project.delivery-${key}-build.name}` },
        },
        {
          provider: 'ECS',
          configuration: { ClusterName: 'AppEcsCluster', ServiceName, FileName: 'imagedefinitions.json' },
        },
      ],
    );
  });

  test(`a push to main starts app-${key}-pipeline`, () => {
    const rule = stack.get(`aws_cloudwatch_event_rule.delivery-${key}-push`);
    assert.deepEqual(JSON.parse(z.string().parse(rule['event_pattern'])), {
      source: ['aws.codecommit'],
      'detail-type': ['CodeCommit Repository State Change'],
      resources: [`arn:aws:codecommit:ap-northeast-2:123456789012:app-${key}`],
      detail: {
        event: ['referenceCreated', 'referenceUpdated'],
        referenceType: ['branch'],
        referenceName: ['main'],
      },
    });
    assertProperties(stack.get(`aws_cloudwatch_event_target.delivery-${key}-push-target`), {
      arn: `arn:aws:codepipeline:ap-northeast-2:123456789012:app-${key}-pipeline`,
    });
  });
}

test('the learning image is built on x86-64, with more time and memory, and not deployed', () => {
  const { type, image, compute_type } = buildEnvironment('ml');
  assert.deepEqual([type, compute_type], ['LINUX_CONTAINER', 'BUILD_GENERAL1_MEDIUM']);
  assertProperties(stack.get('aws_codebuild_project.delivery-ml-build'), { build_timeout: 60 });
  const minutes = stack.ofType('aws_codebuild_project').map((project) => Number(project['build_timeout']));
  assert.equal(
    ONE_AFTER_ANOTHER_MINUTES,
    minutes.reduce((sum, each) => sum + each),
  );
  assert.match(image, /^aws\/codebuild\/amazonlinux-x86_64/);
  assert.deepEqual(
    pipelineStages(stack, 'ml').map(({ name }) => name),
    ['Source', 'Build'],
  );
});

test('an image that already runs is not deployed again', () => {
  for (const key of ['web', 'was']) {
    const [, , deploy] = pipelineStages(stack, key);
    const condition = JSON.stringify(deploy?.before_entry);
    assert.match(condition, /"result":"SKIP".*"Variable":"#{build.IMAGE_CHANGED}"/);
    // AWS may answer with it, and a plan would take it away.
    assert.match(condition, /"region":"ap-northeast-2"/);
    const role = `aws_iam_role_policy.delivery-${key}-build-role-permissions`;
    const actions = stack.statements().flatMap((each) => (each.address === role ? each.Action : []));
    for (const what of [
      'ecs:DescribeServices',
      'ecs:DescribeTaskDefinition',
      'ecr-public:GetAuthorizationToken',
    ])
      assert.ok(actions.includes(what), what);
    assertProperties(buildVariables(key), { CLUSTER: 'AppEcsCluster', SERVICE: `app-${key}-service` });
  }
});

test('the artifacts are encrypted with a customer managed key', () => {
  const key = '${aws_kms_key.delivery-artifacts-key.arn}';
  assertProperties(
    stack.get('aws_s3_bucket_server_side_encryption_configuration.delivery-artifacts-bucket-encryption'),
    {
      rule: [
        {
          apply_server_side_encryption_by_default: { sse_algorithm: 'aws:kms', kms_master_key_id: key },
          bucket_key_enabled: true,
        },
      ],
    },
  );
  for (const pipeline of stack.ofType('aws_codepipeline'))
    assert.match(
      JSON.stringify(pipeline['artifact_store']),
      /"id":"\$\{aws_kms_key\.delivery-artifacts-key\.arn\}".*"\$\{aws_s3_bucket\.delivery-artifacts-bucket\.bucket\}"/,
    );
});

test('with GitHub, the connection starts the pipelines and there is no CodeCommit', () => {
  const github = synthesizedStack('minimal');
  assert.deepEqual(github.ofType('aws_codecommit_repository'), []);
  assert.ok(!github.addresses.some((address) => address.includes('-push')));
  for (const key of ['web', 'was', 'ml']) {
    const [source] = pipelineStages(github, key).flatMap((stage) => stage.action);
    assert.equal(source?.provider, 'CodeStarSourceConnection');
    assertProperties(source?.configuration ?? {}, {
      ConnectionArn: CONNECTION_ARN,
      FullRepositoryId: 'owner/name',
      BranchName: 'main',
    });
    const [{ git_configuration: filters }] = triggers.parse(
      github.get(`aws_codepipeline.delivery-${key}-pipeline`)['trigger'],
    );
    for (const { branches } of filters.push) assert.deepEqual(branches, { includes: ['main'] });
    const paths = filters.push.flatMap(({ file_paths }) => file_paths.includes);
    const dockerfile = buildVariables(key)['DOCKERFILE'] ?? '';
    const copied = readFileSync(path.join(ROOT, dockerfile), 'utf8')
      .split('\n')
      .flatMap((line) => (/^COPY (?!--from)/.test(line) ? line.split(' ').slice(1, -1) : []));
    assert.ok(copied.length > 5);
    for (const each of [...copied, dockerfile, 'stacks/images/base-images.env'])
      assert.ok(
        paths.some((included) => included === each || `${each}/`.startsWith(included.replace(/\*\*$/, ''))),
        `${each} starts no build of ${key}`,
      );
    assert.equal(paths.includes('services/web/**'), key === 'web');
  }
});
