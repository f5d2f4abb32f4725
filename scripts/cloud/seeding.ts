import type { CodeBuildClient } from '@aws-sdk/client-codebuild';
import type { ECRClient } from '@aws-sdk/client-ecr';
import type { S3Client } from '@aws-sdk/client-s3';
import { buildImages, type ImageBuild } from './builds.ts';
import { imageExists, nameOf } from './images.ts';
import type { SourceArchive } from './source-archive.ts';
import { uploadSource } from './source-upload.ts';
import type { Report } from './status.ts';
import type { Waiting } from './wait.ts';

export interface SeedingClients {
  readonly ecr: ECRClient;
  readonly codeBuild: CodeBuildClient;
  readonly s3: S3Client;
}

/**
 * Builds the images that the first tasks run, before any pipeline has: the committed source goes to S3, and CodeBuild
 * makes and pushes them, all at the same time. What an earlier run has built or is building is not built again.
 *
 * @param bucket the artifact bucket, which the build projects may read
 * @throws Error that says why a build failed, with a link to its log
 */
export const seedImages = async (
  { ecr, codeBuild, s3 }: SeedingClients,
  builds: readonly ImageBuild[],
  {
    bucket,
    source,
    waiting,
    report,
  }: {
    bucket: string;
    source: SourceArchive;
    waiting: Waiting;
    report: Report;
  },
): Promise<void> => {
  const missing: ImageBuild[] = [];
  for (const build of builds) if (!(await imageExists(ecr, build.image))) missing.push(build);
  if (missing.length === 0) return;

  const place = await uploadSource(s3, bucket, source);
  await buildImages(codeBuild, missing, place, waiting, report);

  for (const { image, project } of missing)
    if (!(await imageExists(ecr, image)))
      throw new Error(
        `The build ${project} succeeded, but ${nameOf(image)} is not in the registry. Its buildspec must push the tag in IMAGE_TAG.`,
      );
};
