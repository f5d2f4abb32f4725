import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import { ECRClient } from '@aws-sdk/client-ecr';
import { ECSClient } from '@aws-sdk/client-ecs';
import { S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { configuration } from '../../stacks/config/schema.ts';
import { resourceNames } from '../../stacks/names.ts';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { AwsError } from '../aws-double/protocol.ts';
import { synthesizeStack } from '../terraform/synth.ts';
import { bootstrapTargets, buildImages, imagesToBuild } from './bootstrap-images.ts';
import { clientSettings, listen, type Operations, startFakeAws } from './fake-aws.ts';

const config = configuration.parse({ account: '123456789012' });
const names = resourceNames(config);
const REGISTRY = '123456789012.dkr.ecr.ap-northeast-2.amazonaws.com';
const serviceInput = z.object({ services: z.tuple([z.string()]) });

/** An account with these images, and these images running in services. */
const needed = async (t: TestContext, images: string[], running: Record<string, string>) => {
  const { client } = await startFakeAws(t, {
    DescribeImages: ({ repositoryName }) => {
      if (!images.includes(`${repositoryName}:initial`))
        throw new AwsError(
          images.length === 0 ? 'RepositoryNotFoundException' : 'ImageNotFoundException',
          'not there',
        );
      return { imageDetails: [{}] };
    },
    DescribeServices: (input) => {
      if (Object.keys(running).length === 0) throw new AwsError('ClusterNotFoundException', 'no cluster');
      const [service] = serviceInput.parse(input).services;
      return { services: running[service] ? [{ status: 'ACTIVE', taskDefinition: service }] : [] };
    },
    DescribeTaskDefinition: ({ taskDefinition }) => {
      const service = String(taskDefinition);
      const name = service.replace('-service', '');
      return { taskDefinition: { containerDefinitions: [{ name, image: running[service] }] } };
    },
  });
  const clients = { ecr: new ECRClient(client), ecs: new ECSClient(client) };
  const builds = await imagesToBuild(clients, config, names, () => {});
  return builds.filter(({ project }) => project !== names.learning.delivery.build);
};

const web = { image: { repository: 'app-web', tag: 'initial' }, project: 'appWebBuild' };
const was = { image: { repository: 'app-was', tag: 'initial' }, project: 'appWasBuild' };

for (const [name, images, running, expected] of [
  ['an empty account needs the images of both services', [], {}, [web, was]],
  ['an image that is in its registry is not needed', ['app-web:initial'], {}, [was]],
  [
    'the first image of a service that its pipeline has taken over is not needed',
    ['app-other:initial'],
    {
      'app-web-service': `${REGISTRY}/app-web:0123abc`,
      'app-was-service': `${REGISTRY}/app-was:initial`,
    },
    [was],
  ],
] satisfies [string, string[], Record<string, string>, unknown[]][])
  test(name, async (t) => assert.deepEqual(await needed(t, images, running), expected));

test('images are built with registries, the artifact store and build projects, and nothing that runs them', (t) => {
  const targets = bootstrapTargets(synthesizeStack(config, temporaryFolder(t))).map((option) =>
    option.replace('-target=', ''),
  );
  for (const address of [
    'aws_ecr_repository.images-web-repository',
    'aws_ecr_repository.images-was-repository',
    'aws_ecr_repository.images-ml-repository',
    'aws_codebuild_project.delivery-web-build',
    'aws_codebuild_project.delivery-was-build',
    'aws_codebuild_project.delivery-ml-build',
    'aws_s3_bucket.delivery-artifacts-bucket',
  ])
    assert.ok(targets.includes(address), `${address} is missing`);
  const others = /^aws_(ecs|lb|codepipeline|vpc|sagemaker)/;
  assert.deepEqual(
    targets.filter((target) => others.test(target)),
    [],
  );
});

const builds = [web, was];
const source = { commit: 'c0ffee', leftOut: [], zip: Buffer.from('PK') };

const imagesInput = z.object({
  repositoryName: z.string(),
  imageIds: z.tuple([z.object({ imageTag: z.string() })]),
});
const startInput = z.looseObject({
  projectName: z.string(),
  environmentVariablesOverride: z.tuple([z.object({ name: z.string(), value: z.string() })]),
});
const idsInput = z.object({ ids: z.array(z.string()) });

interface Running {
  project: string;
  tag: string;
  looks: number;
}

/** ECR and CodeBuild; a build takes two looks and then ends as `outcome` says, pushing its image if it succeeds. */
const aws = (
  images: string[],
  outcome: (project: string) => 'SUCCEEDED' | 'FAILED' | 'LAZY' = () => 'SUCCEEDED',
  imageManifestMediaType = 'application/vnd.docker.distribution.manifest.v2+json',
) => {
  const running = new Map<string, Running>();
  const repositories: Record<string, string> = { appWebBuild: 'app-web', appWasBuild: 'app-was' };
  const describe = (id: string) => {
    const build = running.get(id);
    if (!build) throw new AwsError('InvalidInputException', id);
    build.looks += 1;
    const result = build.looks < 2 ? 'IN_PROGRESS' : outcome(build.project);
    if (result === 'SUCCEEDED') images.push(`${repositories[build.project]}:${build.tag}`);
    return {
      id,
      projectName: build.project,
      currentPhase: 'BUILD',
      buildStatus: result === 'LAZY' ? 'SUCCEEDED' : result,
      environment: { environmentVariables: [{ name: 'IMAGE_TAG', value: build.tag }] },
      logs: { deepLink: `https://console.aws.amazon.com/log/${build.project}` },
      phases: [
        { phaseType: 'PRE_BUILD', phaseStatus: 'SUCCEEDED' },
        { phaseType: 'BUILD', phaseStatus: result, contexts: [{ message: 'exit status 1' }] },
      ],
    };
  };
  const operations: Operations = {
    DescribeImages: (input) => {
      const { repositoryName, imageIds } = imagesInput.parse(input);
      if (!images.includes(`${repositoryName}:${imageIds[0].imageTag}`))
        throw new AwsError('ImageNotFoundException', 'The image does not exist');
      return { imageDetails: [{ imageManifestMediaType }] };
    },
    ListBuildsForProject: (input) => ({
      ids: [...running].flatMap(([id, { project }]) => (project === input['projectName'] ? [id] : [])),
    }),
    StartBuild: (input) => {
      const { projectName, environmentVariablesOverride } = startInput.parse(input);
      const id = `${projectName}:${running.size + 1}`;
      running.set(id, { project: projectName, tag: environmentVariablesOverride[0].value, looks: 0 });
      return { build: { id } };
    },
    BatchGetBuilds: (input) => ({ builds: idsInput.parse(input).ids.map(describe) }),
  };
  return { operations, running };
};

const start = async (t: TestContext, operations: Operations, optional = 'app-ml') => {
  const { client, inputs, reports, waiting } = await startFakeAws(t, operations);
  const uploads: string[] = [];
  const s3 = await listen(t, (request, response) => {
    uploads.push(request.url?.split('?')[0] ?? '');
    request.resume().on('end', () => response.end());
  });
  return {
    started: () => inputs('StartBuild'),
    uploads,
    reports,
    build: () =>
      buildImages(
        {
          ecr: new ECRClient(client),
          codeBuild: new CodeBuildClient(client),
          s3: new S3Client({ ...clientSettings(s3), forcePathStyle: true }),
        },
        builds,
        { bucket: 'artifacts', source, optional, waiting: { ...waiting, refusedMs: 400 } },
      ),
  };
};

test('images that are there are not built, and nothing is uploaded', async (t) => {
  const { build, started, uploads } = await start(t, aws(['app-web:initial', 'app-was:initial']).operations);
  await build();
  assert.deepEqual(started(), []);
  assert.deepEqual(uploads, []);
});

test('a missing image is built from the packed commit, under its tag', async (t) => {
  const { build, started, uploads, reports } = await start(t, aws(['app-web:initial']).operations);
  await build();
  assert.deepEqual(uploads, ['/artifacts/seed/c0ffee.zip']);
  assert.deepEqual(started(), [
    {
      projectName: 'appWasBuild',
      sourceTypeOverride: 'S3',
      sourceLocationOverride: 'artifacts/seed/c0ffee.zip',
      artifactsOverride: { type: 'NO_ARTIFACTS' },
      environmentVariablesOverride: [{ name: 'IMAGE_TAG', value: 'initial', type: 'PLAINTEXT' }],
    },
  ]);
  assert.deepEqual(reports, ['app-was BUILD', 'app-was SUCCEEDED']);
});

test('a build that an earlier run has started is taken up', async (t) => {
  const { operations, running } = aws(['app-web:initial']);
  running.set('appWasBuild:7', { project: 'appWasBuild', tag: 'initial', looks: -2 });
  const { build, started } = await start(t, operations);
  await build();
  assert.deepEqual(started(), []);
});

test('interrupted, it says that builds go on, and the next run takes them up', async (t) => {
  const { operations, running } = aws(['app-web:initial']);
  const interrupted = await start(t, {
    ...operations,
    BatchGetBuilds: (input) => {
      process.kill(process.pid, 'SIGINT');
      return operations['BatchGetBuilds']?.(input);
    },
  });
  await assert.rejects(
    interrupted.build(),
    /Stopped waiting for the images.*continues in AWS; the same command resumes from there/,
  );
  for (const build of running.values()) build.looks = -2;
  const next = await start(t, operations);
  await next.build();
  assert.equal(running.size, 1);
});

test('a failed build says in which phase, why, and where its log is', async (t) => {
  const { operations } = aws([], (project) => (project === 'appWasBuild' ? 'FAILED' : 'SUCCEEDED'));
  const { build } = await start(t, operations);
  await assert.rejects(build(), (error: Error) => {
    assert.match(
      error.message,
      /app-was:initial \(appWasBuild\) ended as FAILED in phase BUILD: exit status 1/,
    );
    assert.match(error.message, /https:\/\/console\.aws\.amazon\.com\/log\/appWasBuild/);
    assert.doesNotMatch(error.message, /appWebBuild/);
    return true;
  });
});

test('a build that succeeds without pushing is an error: its service could not start', async (t) => {
  const { build } = await start(t, aws([], () => 'LAZY').operations);
  await assert.rejects(build(), /app-web:initial is not in the registry.*IMAGE_TAG/);
});

test('where the account may run one build at a time, the others wait for it', async (t) => {
  const { operations, running } = aws([]);
  const limited: Operations = {
    ...operations,
    StartBuild: (input) => {
      if ([...running.values()].some(({ looks }) => looks < 2))
        throw new AwsError('AccountLimitExceededException', 'Cannot have more than 0 builds in queue');
      return operations['StartBuild']?.(input);
    },
  };
  const { build, reports } = await start(t, limited);
  await build();
  assert.ok(reports.includes('app-web BUILD · app-was waits (limit of the account)'), reports.join('\n'));
  assert.deepEqual(
    [...running.values()].map(({ project }) => project),
    ['appWebBuild', 'appWasBuild'],
  );
});

test('where the account may run no build at all, it is given up with AWS’s words and the ways out', async (t) => {
  const words = 'Cannot have more than 0 builds in queue for the account';
  const { build } = await start(t, {
    ...aws([]).operations,
    StartBuild: () => {
      throw new AwsError('AccountLimitExceededException', words);
    },
  });
  await assert.rejects(build(), (error: Error) => {
    for (const part of [words, 'Concurrently running builds', 'support case', 'EC2', 'npm run deploy again'])
      assert.ok(error.message.includes(part), error.message);
    return true;
  });
});

test('a training image that fails is reported and stops nothing; that of a service stops', async (t) => {
  const { operations } = aws([], (project) => (project === 'appWasBuild' ? 'FAILED' : 'SUCCEEDED'));
  const { build } = await start(t, operations, 'app-was');
  const [report = '', ...others] = await build();
  assert.match(report, /app-was:initial.*FAILED in phase BUILD[\s\S]*The services do without it/);
  assert.deepEqual(others, []);
});

test('an image whose manifest SageMaker refuses is an error that says how to build and delete it', async (t) => {
  const index = 'application/vnd.oci.image.index.v1+json';
  const { build } = await start(t, aws([], () => 'SUCCEEDED', index).operations);
  await assert.rejects(build(), (error: Error) => {
    for (const part of [
      index,
      '--provenance=false --sbom=false',
      'batch-delete-image --repository-name app-web',
    ])
      assert.ok(error.message.includes(part), error.message);
    return true;
  });
});
