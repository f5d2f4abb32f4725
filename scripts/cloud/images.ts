import {
  DescribeImagesCommand,
  type ECRClient,
  ImageNotFoundException,
  RepositoryNotFoundException,
} from '@aws-sdk/client-ecr';

export interface Image {
  readonly repository: string;
  readonly tag: string;
}

/** `app-web:initial` */
export const nameOf = ({ repository, tag }: Image): string => `${repository}:${tag}`;

/** Whether a registry holds an image; no when there is no registry yet. */
export const imageExists = async (client: ECRClient, { repository, tag }: Image): Promise<boolean> => {
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
