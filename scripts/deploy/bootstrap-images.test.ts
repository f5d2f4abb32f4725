import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
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
import { bootstrapTargets, buildImages, imagesToBuild, packSource } from './bootstrap-images.ts';
import { clientSettings, type Operations, startFakeAws, startTestServer } from './fake-aws.ts';

const config = configuration.parse({ account: '123456789012' });
const REGISTRY = '123456789012.dkr.ecr.ap-northeast-2.amazonaws.com';
const serviceInput = z.object({ services: z.tuple([z.string()]) });

/** The repositories of the images that are to be built in an account with these images, in registries and running. */
const needed = async (t: TestContext, images: string[], running: Record<string, string>) => {
  const { client } = await startFakeAws(t, {
    DescribeImages: ({ repositoryName }) => {
      if (images.length === 0) throw new AwsError('RepositoryNotFoundException', 'not there');
      if (!images.includes(String(repositoryName))) throw new AwsError('ImageNotFoundException', 'not there');
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
  return (await imagesToBuild(clients, config, resourceNames(config))).map(({ repository }) => repository);
};

for (const [title, images, running, expected] of [
  ['an empty account needs all', [], {}, ['app-web', 'app-was', 'app-ml']],
  ['an image that is in its registry is not needed', ['app-web', 'app-ml'], {}, ['app-was']],
  [
    'the first image of a service that its pipeline has taken over is not needed',
    ['app-ml'],
    { 'app-web-service': `${REGISTRY}/app-web:0123abc`, 'app-was-service': `${REGISTRY}/app-was:initial` },
    ['app-was'],
  ],
] satisfies [string, string[], Record<string, string>, string[]][])
  test(`first images: ${title}`, async (t) => assert.deepEqual(await needed(t, images, running), expected));

test('images are built with registries, the artifact store and build projects, and nothing that runs them', (t) => {
  const targets = bootstrapTargets(synthesizeStack(config, temporaryFolder(t))).join('\n');
  for (const address of [
    'aws_ecr_repository.images-web-repository',
    'aws_codebuild_project.delivery-ml-build',
    'aws_s3_bucket.delivery-artifacts-bucket',
  ])
    assert.match(targets, new RegExp(`^-target=${address}$`, 'm'));
  assert.doesNotMatch(targets, /aws_(ecs|lb|codepipeline|vpc|sagemaker)/);
});

const imagesInput = z.object({
  repositoryName: z.string(),
  imageIds: z.tuple([z.object({ imageTag: z.string() })]),
});
const startInput = z.looseObject({
  projectName: z.string(),
  environmentVariablesOverride: z.tuple([z.object({ name: z.string(), value: z.string() })]),
});
const idsInput = z.object({ ids: z.array(z.string()) });

const REPOSITORIES: Readonly<Record<string, string>> = { appWebBuild: 'app-web', appWasBuild: 'app-was' };

interface Account {
  /** In registries. @default - none */
  readonly images?: readonly string[];
  /** A project whose builds fail, or end without pushing. @default - none */
  readonly fails?: string;
  readonly pushesNothing?: boolean;
  readonly manifest?: string;
  /** How many builds may run at a time. @default - as many as there are */
  readonly limit?: number;
  /** A build of an earlier run. @default - none */
  readonly running?: string;
  /** Whether Ctrl-C is pressed at the first look. */
  readonly isInterrupted?: boolean;
  /** Repository of the image that no service needs. @default app-ml */
  readonly optional?: string;
}

/** The images of both services, built in an account: a build takes two looks, and pushes its image. */
const start = async (t: TestContext, { limit = 9, optional = 'app-ml', ...account }: Account) => {
  const images = [...(account.images ?? [])];
  const builds = new Map<string, { project: string; looks: number }>();
  if (account.running) builds.set(`${account.running}:0`, { project: account.running, looks: -2 });
  const operations: Operations = {
    DescribeImages: (input) => {
      const { repositoryName, imageIds } = imagesInput.parse(input);
      if (!images.includes(`${repositoryName}:${imageIds[0].imageTag}`))
        throw new AwsError('ImageNotFoundException', 'The image does not exist');
      return { imageDetails: [{ imageManifestMediaType: account.manifest }] };
    },
    ListBuildsForProject: ({ projectName }) => ({
      ids: [...builds].flatMap(([id, { project }]) => (project === projectName ? [id] : [])),
    }),
    StartBuild: (input) => {
      if ([...builds.values()].filter(({ looks }) => looks < 2).length >= limit)
        throw new AwsError('AccountLimitExceededException', 'Cannot have more than 0 builds in queue');
      const { projectName } = startInput.parse(input);
      const id = `${projectName}:${builds.size + 1}`;
      builds.set(id, { project: projectName, looks: 0 });
      return { build: { id } };
    },
    BatchGetBuilds: (input) => {
      if (account.isInterrupted) process.kill(process.pid, 'SIGINT');
      return {
        builds: idsInput.parse(input).ids.map((id) => {
          const build = builds.get(id) ?? { project: id, looks: 0 };
          build.looks += 1;
          const ended = build.project === account.fails ? 'FAILED' : 'SUCCEEDED';
          const buildStatus = build.looks < 2 ? 'IN_PROGRESS' : ended;
          if (buildStatus === 'SUCCEEDED' && !account.pushesNothing)
            images.push(`${REPOSITORIES[build.project]}:initial`);
          return {
            id,
            currentPhase: 'BUILD',
            buildStatus,
            environment: { environmentVariables: [{ name: 'IMAGE_TAG', value: 'initial' }] },
            logs: { deepLink: `https://console.aws.amazon.com/log/${build.project}` },
          };
        }),
      };
    },
  };
  const { client, inputs, reports, waiting } = await startFakeAws(t, operations);
  const uploads: string[] = [];
  const s3 = await startTestServer(t, (request, response) => {
    uploads.push(request.url?.split('?')[0] ?? '');
    request.resume().on('end', () => response.end());
  });
  const built = buildImages(
    {
      ecr: new ECRClient(client),
      codeBuild: new CodeBuildClient(client),
      s3: new S3Client({ ...clientSettings(s3), forcePathStyle: true }),
    },
    Object.entries(REPOSITORIES).map(([project, repository]) => ({ project, repository, tag: 'initial' })),
    {
      bucket: 'artifacts',
      source: { commit: 'c0ffee', leftOut: [], zip: Buffer.from('PK') },
      optional,
      waiting: { ...waiting, refusedMs: 400 },
    },
  );
  return { built, started: () => inputs('StartBuild'), uploads, reports };
};

test('a missing image is built from the packed commit, under its tag', async (t) => {
  const { built, started, uploads, reports } = await start(t, { images: ['app-web:initial'] });
  assert.equal(await built, undefined);
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

for (const [title, account, projects] of [
  ['images that are there are not built', { images: ['app-web:initial', 'app-was:initial'] }, []],
  ['a build of an earlier run is taken up', { running: 'appWasBuild' }, ['appWebBuild']],
  ['where one may run at a time, the others wait', { limit: 1 }, ['appWebBuild', 'appWasBuild']],
] satisfies [string, Account, string[]][])
  test(`builds: ${title}`, async (t) => {
    const { built, started, reports } = await start(t, account);
    await built;
    const accepted = new Set(started().map(({ projectName }) => projectName));
    assert.deepEqual([...accepted], projects);
    const isWaiting = reports.some((line) => line.includes('app-was waits (limit of the account)'));
    assert.equal(isWaiting, 'limit' in account);
  });

for (const [title, account, ...expected] of [
  [
    'a failed build says where its log is',
    { fails: 'appWasBuild' },
    'app-was:initial (appWasBuild) ended as FAILED',
    'https://console.aws.amazon.com/log/appWasBuild',
  ],
  ['one that pushes nothing', { pushesNothing: true }, 'did not push app-web:initial'],
  [
    'an account that may run none',
    { limit: 0 },
    'Cannot have more than 0 builds in queue',
    'Concurrently running builds',
    'support case',
  ],
  [
    'a manifest that SageMaker refuses',
    { manifest: 'application/vnd.oci.image.index.v1+json' },
    '--provenance=false --sbom=false',
    'batch-delete-image --repository-name app-web',
  ],
  [
    'an interrupted wait goes on in AWS',
    { isInterrupted: true },
    'Stopped waiting for the images to be built',
    'the same command resumes from there',
  ],
] satisfies [string, Account, ...string[]][])
  test(`no images: ${title}`, async (t) => {
    const { built } = await start(t, account);
    await assert.rejects(built, ({ message }: Error) => expected.every((part) => message.includes(part)));
  });

test('a training image that fails is reported and stops nothing', async (t) => {
  const { built } = await start(t, { fails: 'appWasBuild', optional: 'app-was' });
  assert.match((await built) ?? '', /app-was:initial.*FAILED[\s\S]*The services do without it/);
});

const IDENTITY = ['-c', 'user.name=Kim', '-c', 'user.email=kim@example.com', '-c', 'commit.gpgsign=false'];

test('the committed files are packed, what is not committed is named and left out, and without a commit it is said what to do', async (t) => {
  const directory = temporaryFolder(t);
  const git = (...args: string[]) => execFileSync('git', [...IDENTITY, ...args], { cwd: directory });
  git('init', '--quiet');
  await assert.rejects(packSource(directory), /git finds no commit here.*git init/);
  writeFileSync(path.join(directory, 'committed.txt'), 'one');
  git('add', '.');
  git('commit', '--quiet', '--message', 'First');
  writeFileSync(path.join(directory, 'committed.txt'), 'two');
  writeFileSync(path.join(directory, 'new.txt'), 'three');

  const { commit, leftOut, zip } = await packSource(directory);
  assert.equal(commit, git('rev-parse', 'HEAD').toString().trim());
  assert.deepEqual(leftOut, ['committed.txt', 'new.txt']);
  const bytes = Buffer.from(zip);
  assert.equal(bytes.subarray(0, 2).toString(), 'PK');
  assert.ok(bytes.includes('committed.txt'));
  assert.ok(!bytes.includes('new.txt'));
});
