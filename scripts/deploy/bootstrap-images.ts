import { existsSync } from 'node:fs';
import path from 'node:path';
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
  ImageNotFoundException,
  RepositoryNotFoundException,
} from '@aws-sdk/client-ecr';
import { ClusterNotFoundException, DescribeTaskDefinitionCommand, type ECSClient } from '@aws-sdk/client-ecs';
import type { Configuration } from '../../stacks/config/schema.ts';
import type { Names } from '../../stacks/names.ts';
import { duration } from '../shared/cli.ts';
import { ROOT } from '../shared/paths.ts';
import type { StackFiles } from '../terraform/synth.ts';
import { type AwsClients, type Waiting, waitFor } from './clients.ts';
import { containerImage, describeService, type ServiceId } from './rollout.ts';
import { type SourceArchive, type SourceObject, uploadSource } from './source-archive.ts';

/** The images that the first tasks run, before any pipeline has built one. */

interface Image {
  readonly repository: string;
  readonly tag: string;
}

interface ImageBuild {
  readonly image: Image;
  /** The CodeBuild project that builds and pushes it. */
  readonly project: string;
}

/** `app-web:initial` */
export const imageName = ({ repository, tag }: Image): string => `${repository}:${tag}`;

/** Whether a registry holds an image; no when there is no registry yet. */
const imageExists = async (client: ECRClient, { repository, tag }: Image): Promise<boolean> => {
  try {
    await client.send(
      new DescribeImagesCommand({ repositoryName: repository, imageIds: [{ imageTag: tag }] }),
    );
    return true;
  } catch (error) {
    if (error instanceof ImageNotFoundException || error instanceof RepositoryNotFoundException) return false;
    throw error;
  }
};

/** The image that a service's tasks run; nothing when there is no such service. */
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
 * The images that must be built before Terraform can start what runs them. A service that runs another image needs
 * none: its pipeline has taken over, and the registry may have dropped the first one.
 *
 * @param onSkip is called with why an image cannot be built
 */
export const imagesToBuild = async (
  { ecr, ecs }: Pick<AwsClients, 'ecr' | 'ecs'>,
  config: Configuration,
  names: Names,
  onSkip: (text: string) => void,
): Promise<ImageBuild[]> => {
  const builds: ImageBuild[] = [];
  for (const key of ['web', 'was'] as const) {
    const { repository, service, image: container, delivery } = names[key];
    const image = { repository, tag: config[key].imageTag };
    if (await imageExists(ecr, image)) continue;
    const running = await runningImage(ecs, { cluster: names.cluster, service }, container);
    if (running === undefined || running.endsWith(`/${imageName(image)}`))
      builds.push({ image, project: delivery.build });
  }
  const { repository, delivery } = names.learning;
  const image = { repository, tag: config.learning.imageTag };
  if (await imageExists(ecr, image)) return builds;
  if (existsSync(path.join(ROOT, 'model/Dockerfile'))) builds.push({ image, project: delivery.build });
  else
    onSkip(
      `${imageName(image)} is not built: there is no model/Dockerfile. The SageMaker pipelines need it.`,
    );
  return builds;
};

/** What images are built with: the registries, the store that the source is read from, and the build projects. */
const BUILD_PATHS = ['images/', 'delivery/artifacts/'];
const BUILD_PROJECT = 'aws_codebuild_project';

/**
 * Options of `terraform plan` that limit it to what images are built with. Terraform adds what these depend on, such as
 * roles.
 */
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

/** A build of this image that an earlier run has started and that is still running. */
const findRunning = async (client: CodeBuildClient, { image, project }: ImageBuild) => {
  const { ids = [] } = await client.send(new ListBuildsForProjectCommand({ projectName: project }));
  const builds = await describeBuilds(client, ids.slice(0, 20));
  return builds.find(
    ({ buildStatus, environment }) =>
      buildStatus === RUNNING &&
      environment?.environmentVariables?.some(({ name, value }) => name === TAG && value === image.tag),
  );
};

/**
 * Starts the build of an image from a source in S3 instead of the pipeline's; takes up a running one.
 *
 * @returns the build's id; nothing while the account may not run another build
 */
const startBuild = async (
  client: CodeBuildClient,
  build: ImageBuild,
  { bucket, key }: SourceObject,
): Promise<string | undefined> => {
  const running = await findRunning(client, build);
  if (running?.id !== undefined) return running.id;
  try {
    const { build: started } = await client.send(
      new StartBuildCommand({
        projectName: build.project,
        sourceTypeOverride: 'S3',
        sourceLocationOverride: `${bucket}/${key}`,
        artifactsOverride: { type: 'NO_ARTIFACTS' },
        environmentVariablesOverride: [{ name: TAG, value: build.image.tag, type: 'PLAINTEXT' }],
      }),
    );
    return started?.id;
  } catch (error) {
    // New accounts may run one build at a time, and let none wait.
    if (error instanceof AccountLimitExceededException) return undefined;
    throw error;
  }
};

/** Why a build failed, in CodeBuild's words, and where its log is. */
const describeFailure = ({ image, project }: ImageBuild, build: Build): string => {
  const phase = build.phases?.find(
    ({ phaseStatus }) => phaseStatus !== undefined && phaseStatus !== SUCCEEDED,
  );
  const reason = phase?.contexts?.map(({ message }) => message).join(' ') ?? '';
  return [
    `The build of ${imageName(image)} (${project}) ended as ${build.buildStatus}`,
    phase?.phaseType ? ` in phase ${phase.phaseType}` : '',
    reason ? `: ${reason}` : '.',
    `\n  Its log: ${build.logs?.deepLink ?? `CodeBuild, project ${project}`}`,
  ].join('');
};

/** Runs builds side by side, as far as the account may. @throws Error that says of each failed build why */
const runBuilds = async (
  client: CodeBuildClient,
  builds: readonly ImageBuild[],
  source: SourceObject,
  waiting: Waiting,
): Promise<void> => {
  const began = performance.now();
  const queue = [...builds];
  const started = new Map<string, ImageBuild>();
  const startMore = async (): Promise<void> => {
    for (const build of [...queue]) {
      const id = await startBuild(client, build, source);
      if (id === undefined) return;
      started.set(id, build);
      queue.splice(queue.indexOf(build), 1);
    }
  };
  const ended = await waitFor('the images to be built', waiting, async () => {
    await startMore();
    const current = await describeBuilds(client, [...started.keys()]);
    const states = current.map(
      ({ id = '', currentPhase, buildStatus }) =>
        `${started.get(id)?.image.repository} ${buildStatus === RUNNING ? currentPhase : buildStatus}`,
    );
    const queued = queue.map(({ image }) => `${image.repository} waits (limit of the account)`);
    const status = [...states, ...queued].join(' · ');
    waiting.report(`${status} (${duration((performance.now() - began) / 1000)})`, status);
    const done = queue.length === 0 && current.every(({ buildStatus }) => buildStatus !== RUNNING);
    return done ? current : undefined;
  });
  const failures = ended.flatMap((build) => {
    const ours = started.get(build.id ?? '');
    return ours && build.buildStatus !== SUCCEEDED ? [describeFailure(ours, build)] : [];
  });
  if (failures.length > 0)
    throw new Error(
      `${failures.join('\n')}\nFix it, commit, and run npm run deploy again: it continues from here.`,
    );
};

/**
 * Builds images: the committed source goes to S3, and CodeBuild builds and pushes them, all at the same time. What an
 * earlier run has built or is building is not built again.
 *
 * @param bucket the artifact bucket, which the build projects may read
 * @throws Error that says why a build failed, with a link to its log
 */
export const buildImages = async (
  { ecr, codeBuild, s3 }: Pick<AwsClients, 'ecr' | 'codeBuild' | 's3'>,
  builds: readonly ImageBuild[],
  { bucket, source, waiting }: { bucket: string; source: SourceArchive; waiting: Waiting },
): Promise<void> => {
  const missing: ImageBuild[] = [];
  for (const build of builds) if (!(await imageExists(ecr, build.image))) missing.push(build);
  if (missing.length === 0) return;
  await runBuilds(codeBuild, missing, await uploadSource(s3, bucket, source), waiting);
  for (const { image, project } of missing)
    if (!(await imageExists(ecr, image)))
      throw new Error(
        `The build ${project} succeeded, but ${imageName(image)} is not in the registry. Its buildspec must push the tag in IMAGE_TAG.`,
      );
};
