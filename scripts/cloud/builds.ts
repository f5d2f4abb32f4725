import {
  AccountLimitExceededException,
  BatchGetBuildsCommand,
  type Build,
  type CodeBuildClient,
  ListBuildsForProjectCommand,
  StartBuildCommand,
} from '@aws-sdk/client-codebuild';
import { duration } from '../progress.ts';
import { type Image, nameOf } from './images.ts';
import type { SourceObject } from './source-upload.ts';
import type { Report } from './status.ts';
import { type Waiting, waitFor } from './wait.ts';

export interface ImageBuild {
  readonly image: Image;
  /** The CodeBuild project that builds and pushes it. */
  readonly project: string;
}

const TAG = 'IMAGE_TAG';
const RUNNING = 'IN_PROGRESS';
const SUCCEEDED = 'SUCCEEDED';

const buildsOf = async (client: CodeBuildClient, ids: string[]): Promise<Build[]> =>
  ids.length === 0 ? [] : ((await client.send(new BatchGetBuildsCommand({ ids }))).builds ?? []);

/** A build of this image that an earlier run has started and that is still going. */
const findRunning = async (client: CodeBuildClient, { image, project }: ImageBuild) => {
  const { ids = [] } = await client.send(new ListBuildsForProjectCommand({ projectName: project }));
  const builds = await buildsOf(client, ids.slice(0, 20));
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
  source: SourceObject,
): Promise<string | undefined> => {
  const running = await findRunning(client, build);
  if (running?.id !== undefined) return running.id;
  try {
    const { build: started } = await client.send(
      new StartBuildCommand({
        projectName: build.project,
        sourceTypeOverride: 'S3',
        sourceLocationOverride: `${source.bucket}/${source.key}`,
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
    `The build of ${nameOf(image)} (${project}) ended as ${build.buildStatus}`,
    phase?.phaseType ? ` in phase ${phase.phaseType}` : '',
    reason ? `: ${reason}` : '.',
    `\n  Its log: ${build.logs?.deepLink ?? `CodeBuild, project ${project}`}`,
  ].join('');
};

/**
 * Builds images side by side, as far as the account may.
 *
 * @throws Error that says of each failed build why, with a link to its log
 */
export const buildImages = async (
  client: CodeBuildClient,
  builds: readonly ImageBuild[],
  source: SourceObject,
  waiting: Waiting,
  report: Report,
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
    const current = await buildsOf(client, [...started.keys()]);
    const states = current.map(
      ({ id = '', currentPhase, buildStatus }) =>
        `${started.get(id)?.image.repository} ${buildStatus === RUNNING ? currentPhase : buildStatus}`,
    );
    const queued = queue.map(({ image }) => `${image.repository} waits (limit of the account)`);
    const status = [...states, ...queued].join(' · ');
    report(`${status} (${duration((performance.now() - began) / 1000)})`, status);
    const done = queue.length === 0 && current.every(({ buildStatus }) => buildStatus !== RUNNING);
    return done ? current : undefined;
  });
  const failures = ended.flatMap((build) => {
    const ours = started.get(build.id ?? '');
    return ours && build.buildStatus !== SUCCEEDED ? [describeFailure(ours, build)] : [];
  });
  if (failures.length > 0)
    throw new Error(
      `${failures.join('\n')}\nMend it, commit, and run npm run deploy again: it goes on from here.`,
    );
};
