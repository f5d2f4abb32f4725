import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  AccountLimitExceededException,
  BatchGetBuildsCommand,
  type Build,
  type CodeBuildClient,
  ListBuildsForProjectCommand,
  StartBuildCommand,
} from '@aws-sdk/client-codebuild';
import {
  DescribeImagesCommand,
  type ECRClient,
  type ImageDetail,
  ImageNotFoundException,
  RepositoryNotFoundException,
} from '@aws-sdk/client-ecr';
import { ClusterNotFoundException, DescribeTaskDefinitionCommand, type ECSClient } from '@aws-sdk/client-ecs';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { errorText } from '../../model/shared/text.ts';
import type { Configuration } from '../../stacks/config/schema.ts';
import type { Names } from '../../stacks/names.ts';
import type { StackFiles } from '../terraform/synth.ts';
import { type AwsClients, type Waiting, waitFor } from './clients.ts';
import { containerImage, describeService, type ServiceId } from './rollout.ts';

/** Builds the first images, before any pipeline has run. */

interface ImageBuild {
  readonly repository: string;
  readonly tag: string;
  /** The CodeBuild project that builds and pushes it. */
  readonly project: string;
}

/** `app-web:initial` */
export const imageName = ({ repository, tag }: ImageBuild): string => `${repository}:${tag}`;

/** An image in a registry; undefined if it, or the registry, does not exist. */
const findImage = async (
  client: ECRClient,
  { repository, tag }: ImageBuild,
): Promise<ImageDetail | undefined> => {
  try {
    const { imageDetails = [] } = await client.send(
      new DescribeImagesCommand({ repositoryName: repository, imageIds: [{ imageTag: tag }] }),
    );
    return imageDetails[0];
  } catch (error) {
    if (error instanceof ImageNotFoundException || error instanceof RepositoryNotFoundException)
      return undefined;
    throw error;
  }
};

/** The image that a service's tasks run; undefined if there is no such service. */
const runningImage = async (client: ECSClient, id: ServiceId, container: string) => {
  const service = await describeService(client, id).catch((error: unknown) => {
    if (error instanceof ClusterNotFoundException) return undefined;
    throw error;
  });
  if (service?.taskDefinition === undefined) return undefined;
  const { taskDefinition } = await client.send(
    new DescribeTaskDefinitionCommand({ taskDefinition: service.taskDefinition }),
  );
  return taskDefinition && containerImage(taskDefinition, container);
};

/**
 * The images that must be built before Terraform can create what runs them. A service that already runs another image
 * needs none: its pipeline has taken over, and the first image may have expired.
 */
export const imagesToBuild = async (
  { ecr, ecs }: Pick<AwsClients, 'ecr' | 'ecs'>,
  config: Configuration,
  names: Names,
): Promise<ImageBuild[]> => {
  const builds: ImageBuild[] = [];
  for (const key of ['web', 'was', 'learning'] as const) {
    const { repository, delivery } = names[key];
    const build = { repository, tag: config[key].imageTag, project: delivery.build };
    if (await findImage(ecr, build)) continue;
    const { cluster } = names;
    const running =
      key === 'learning'
        ? undefined
        : await runningImage(ecs, { cluster, service: names[key].service }, names[key].image);
    if (running === undefined || running.endsWith(`/${imageName(build)}`)) builds.push(build);
  }
  return builds;
};

/** Resources for building images: the registries, the artifact store with the source, and the build projects. */
const BUILD_PATHS = ['images/', 'delivery/artifacts/'];
const BUILD_PROJECT = 'aws_codebuild_project';

/** Options that limit `terraform plan` to resources for building images. Terraform adds their dependencies. */
export const bootstrapTargets = ({ json }: StackFiles): string[] =>
  Object.entries(json.resource).flatMap(([type, byName]) =>
    Object.entries(byName).flatMap(([name, { '//': about }]) => {
      const inStack = about.metadata.path.split('/').slice(1).join('/');
      const isNeeded = type === BUILD_PROJECT || BUILD_PATHS.some((start) => inStack.startsWith(start));
      return isNeeded ? [`-target=${type}.${name}`] : [];
    }),
  );

const TAG = 'IMAGE_TAG';
const RUNNING = 'IN_PROGRESS';
const SUCCEEDED = 'SUCCEEDED';

const describeBuilds = async (client: CodeBuildClient, ids: string[]): Promise<Build[]> =>
  ids.length === 0 ? [] : ((await client.send(new BatchGetBuildsCommand({ ids }))).builds ?? []);

/** A build of this image that an earlier run started and that is still running. */
const findRunning = async (client: CodeBuildClient, { tag, project }: ImageBuild) => {
  const { ids = [] } = await client.send(new ListBuildsForProjectCommand({ projectName: project }));
  const builds = await describeBuilds(client, ids.slice(0, 20));
  return builds.find(
    ({ buildStatus, environment }) =>
      buildStatus === RUNNING &&
      environment?.environmentVariables?.some(({ name, value }) => name === TAG && value === tag),
  );
};

/**
 * Starts the build of an image from a source in S3 instead of the pipeline's, or continues with a running build.
 *
 * @param source bucket and key
 * @returns the build's id, or AWS's message if the account may not run another build
 */
const startBuild = async (
  client: CodeBuildClient,
  build: ImageBuild,
  source: string,
): Promise<{ readonly id: string } | { readonly refusal: string }> => {
  const running = await findRunning(client, build);
  if (running?.id !== undefined) return { id: running.id };
  try {
    const { build: started } = await client.send(
      new StartBuildCommand({
        projectName: build.project,
        sourceTypeOverride: 'S3',
        sourceLocationOverride: source,
        artifactsOverride: { type: 'NO_ARTIFACTS' },
        environmentVariablesOverride: [{ name: TAG, value: build.tag, type: 'PLAINTEXT' }],
      }),
    );
    return { id: started?.id ?? '' };
  } catch (error) {
    // New accounts may run one build at a time, and builds are not queued.
    if (error instanceof AccountLimitExceededException) return { refusal: error.message };
    throw error;
  }
};

const describeFailure = (image: ImageBuild, { buildStatus, logs }: Build): string =>
  `The build of ${imageName(image)} (${image.project}) ended as ${buildStatus}.
  Its log: ${logs?.deepLink ?? `CodeBuild, project ${image.project}`}`;

interface BuildWaiting extends Waiting {
  /** How long builds may be refused while none of ours is running, in milliseconds. @default - five minutes */
  readonly refusedMs?: number;
}

/** How long builds may be refused while none of ours is running: the account may be running others. */
const REFUSED_MS = 5 * 60_000;

const describeRefusal = (words: string): string =>
  `CodeBuild refuses to start a build although none of these is running: ${words}
New accounts may run no builds until AWS has verified them. Request a higher quota in the console (Service Quotas, AWS
CodeBuild, "Concurrently running builds" for ARM and for Linux), open a support case, or run an EC2 instance for a
while. Then run npm run deploy again: it continues from here.`;

/**
 * Runs builds concurrently, within the account's limit.
 *
 * @returns why builds failed, if any did
 * @throws Error if the account may run no builds
 */
const runBuilds = async (
  client: CodeBuildClient,
  builds: readonly ImageBuild[],
  source: string,
  { refusedMs = REFUSED_MS, ...waiting }: BuildWaiting,
): Promise<ReadonlyMap<ImageBuild, string>> => {
  const queue = [...builds];
  const started = new Map<string, ImageBuild>();
  let idleSince = performance.now();
  /** Starts as many as allowed. @returns AWS's message when another build is refused */
  const startMore = async (): Promise<string | undefined> => {
    for (let build = queue[0]; build; build = queue[0]) {
      const answer = await startBuild(client, build, source);
      if ('refusal' in answer) return answer.refusal;
      started.set(answer.id, build);
      queue.shift();
    }
    return undefined;
  };
  const ended = await waitFor('the images to be built', waiting, async (say) => {
    const refusal = await startMore();
    const current = await describeBuilds(client, [...started.keys()]);
    const states = current.map(
      ({ id = '', currentPhase, buildStatus }) =>
        `${started.get(id)?.repository} ${buildStatus === RUNNING ? currentPhase : buildStatus}`,
    );
    say(
      [...states, ...queue.map(({ repository }) => `${repository} waits (limit of the account)`)].join(' · '),
    );
    const isRunning = current.some(({ buildStatus }) => buildStatus === RUNNING);
    if (isRunning) idleSince = performance.now();
    else if (refusal !== undefined && performance.now() - idleSince > refusedMs)
      throw new Error(describeRefusal(refusal));
    return isRunning || queue.length > 0 ? undefined : current;
  });
  return new Map(
    ended.flatMap((build) => {
      const image = started.get(build.id ?? '');
      return image && build.buildStatus !== SUCCEEDED ? [[image, describeFailure(image, build)]] : [];
    }),
  );
};

/** The media type that both SageMaker and ECS can run. */
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

/** What is wrong with an image that a build should have pushed; undefined if it can run. */
const checkPushed = async (client: ECRClient, image: ImageBuild): Promise<string | undefined> => {
  const found = await findImage(client, image);
  const name = imageName(image);
  if (!found) return `${image.project} succeeded, but did not push ${name}.`;
  const { imageManifestMediaType: type = DOCKER_MANIFEST } = found;
  return type === DOCKER_MANIFEST
    ? undefined
    : `${name} was pushed as ${type}, which SageMaker refuses to run: build it with --provenance=false --sbom=false. Delete it first: aws ecr batch-delete-image --repository-name ${image.repository} --image-ids imageTag=${image.tag}`;
};

interface SourceArchive {
  readonly commit: string;
  /** Files with uncommitted changes, which are not in the archive. */
  readonly leftOut: readonly string[];
  readonly zip: Uint8Array;
}

/**
 * Packs the committed source, as a pipeline would receive it.
 *
 * @throws Error if there is no commit
 */
export const packSource = async (folder: string): Promise<SourceArchive> => {
  const git = async (...args: string[]): Promise<Buffer> => {
    const settings = { cwd: folder, encoding: 'buffer', maxBuffer: 2 ** 30 } as const;
    return (await promisify(execFile)('git', args, settings)).stdout;
  };
  const commit = await git('rev-parse', 'HEAD').catch((cause: unknown) => {
    throw new Error(
      `The images are built from the committed source, but git finds no commit here. Run: git init && git add . && git commit\n${errorText(cause).trim()}`,
      { cause },
    );
  });
  const changes = (await git('status', '--porcelain')).toString().split('\n');
  return {
    commit: commit.toString().trim(),
    leftOut: changes.flatMap((line) => (line === '' ? [] : [line.slice(3)])),
    zip: await git('archive', '--format=zip', 'HEAD'),
  };
};

interface BuildOptions {
  /** The artifact bucket, which the build projects may read. */
  readonly bucket: string;
  readonly source: SourceArchive;
  /** Repository of the image that no service needs to start. */
  readonly optional: string;
  readonly waiting: BuildWaiting;
}

/**
 * Builds images: uploads the committed source to S3, and has CodeBuild build and push them concurrently. Images that an
 * earlier run has built or is building are not built again.
 *
 * @returns a warning if the optional image failed, which does not stop the deployment
 * @throws Error that says why a build failed, with a link to its log
 */
export const buildImages = async (
  { ecr, codeBuild, s3 }: Pick<AwsClients, 'ecr' | 'codeBuild' | 's3'>,
  builds: readonly ImageBuild[],
  { bucket, source: { commit, zip }, optional, waiting }: BuildOptions,
): Promise<string | undefined> => {
  const missing: ImageBuild[] = [];
  for (const build of builds) if (!(await findImage(ecr, build))) missing.push(build);
  if (missing.length === 0) return undefined;
  const Key = `seed/${commit}.zip`;
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: zip, ContentType: 'application/zip' }));
  const failed = await runBuilds(codeBuild, missing, `${bucket}/${Key}`, waiting);
  let postponed: string | undefined;
  const stopping: string[] = [];
  for (const image of missing) {
    const problem = failed.get(image) ?? (await checkPushed(ecr, image));
    if (problem !== undefined && image.repository === optional) postponed = problem;
    else if (problem !== undefined) stopping.push(problem);
  }
  if (stopping.length > 0)
    throw new Error(
      `${stopping.join('\n')}\nFix it, commit, and run npm run deploy again: it continues from here.`,
    );
  return (
    postponed &&
    `⚠ ${postponed}\nThe services do without it. Trainings need it: fix it and push, or run npm run deploy again.`
  );
};
