import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { assertProperties, CONNECTION_ARN, synthesizedStack } from '../synthesized-stack.ts';

const stack = synthesizedStack();
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const action = z.object({ provider: z.string(), configuration: z.record(z.string(), z.string()) });
const stages = z.array(z.object({ name: z.string(), action: z.array(action) }));
const pipelineStages = (from: typeof stack, key: string) =>
  stages.parse(from.get(`aws_codepipeline.delivery-${key}-pipeline`)['stage']);

const environment = z.object({
  type: z.string(),
  image: z.string(),
  privileged_mode: z.boolean(),
  environment_variable: z.array(z.object({ name: z.string(), value: z.string() })),
});
const buildEnvironment = (key: string) =>
  environment.parse(stack.get(`aws_codebuild_project.delivery-${key}-build`)['environment']);

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
    assertProperties(stack.get(`aws_codepipeline.delivery-${key}-pipeline`), {
      name: `app-${key}-pipeline`,
      pipeline_type: 'V2',
    });
    const steps = pipelineStages(stack, key).flatMap((stage) => stage.action);
    assert.deepEqual(
      steps.map(({ provider }) => provider),
      ['CodeCommit', 'CodeBuild', 'ECS'],
    );
    const [source, build, deploy] = steps.map(({ configuration }) => configuration);
    assert.deepEqual(source, {
      RepositoryName: `\${aws_codecommit_repository.delivery-${key}-repository.repository_name}`,
      BranchName: 'main',
      PollForSourceChanges: 'false',
    });
    assert.deepEqual(build, { ProjectName: `\${aws_codebuild_project.delivery-${key}-build.name}` });
    assert.deepEqual(deploy, {
      ClusterName: 'AppEcsCluster',
      ServiceName: `\${aws_ecs_service.${key}-service.name}`,
      FileName: 'imagedefinitions.json',
    });
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

test('the learning image is built on x86-64, and not deployed', () => {
  const { type, image } = buildEnvironment('ml');
  assert.equal(type, 'LINUX_CONTAINER');
  assert.match(image, /^aws\/codebuild\/amazonlinux-x86_64/);
  assert.deepEqual(
    pipelineStages(stack, 'ml').map(({ name }) => name),
    ['Source', 'Build'],
  );
});

test('the Dockerfiles of the services are where the builds look for them', () => {
  for (const key of ['web', 'was']) {
    const variables = buildEnvironment(key).environment_variable;
    const dockerfile = variables.find(({ name }) => name === 'DOCKERFILE')?.value ?? '';
    assert.ok(existsSync(path.join(ROOT, dockerfile)), `${dockerfile} is not there`);
  }
});

test('every build tags an image once, pushes it, and names the container that gets it', () => {
  const { buildspec } = z
    .object({ buildspec: z.string() })
    .parse(stack.get('aws_codebuild_project.delivery-web-build')['source']);
  const { phases, artifacts } = z
    .object({
      phases: z.record(z.string(), z.object({ commands: z.array(z.string()) })),
      artifacts: z.object({ files: z.array(z.string()) }),
    })
    .parse(JSON.parse(buildspec));
  assert.deepEqual(artifacts.files, ['imagedefinitions.json']);
  const commands = Object.values(phases).flatMap((phase) => phase.commands);
  assert.ok(commands.some((command) => command.includes('docker push "$IMAGE"')));
  assert.ok(!commands.some((command) => command.includes('latest')));
  assert.ok(!buildspec.includes('${'), 'Terraform would take it for an expression of its own');
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
    assert.deepEqual(pipeline['artifact_store'], [
      {
        type: 'S3',
        location: '${aws_s3_bucket.delivery-artifacts-bucket.bucket}',
        encryption_key: { type: 'KMS', id: key },
      },
    ]);
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
    assert.match(
      JSON.stringify(github.get(`aws_codepipeline.delivery-${key}-pipeline`)['trigger']),
      /"includes":\["main"\]/,
    );
  }
});
