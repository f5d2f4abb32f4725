import { AddTagsCommand, ListTagsCommand, type Tag } from '@aws-sdk/client-sagemaker';
import type { Deployment } from './deployment.ts';
import type { DeploySettings } from './environment.ts';

/** What the console shows of an endpoint: which model it serves. */
export const tagsOf = ({ modelPackage }: DeploySettings): Tag[] => [
  { Key: 'model-version', Value: String(modelPackage.version) },
  { Key: 'model-package', Value: modelPackage.arn },
];

/** Writes the model's version on the endpoint, unless it is there. */
export const ensureTags = async ({ settings, clients }: Deployment, ResourceArn: string): Promise<void> => {
  const { Tags: found = [] } = await clients.sageMaker.send(new ListTagsCommand({ ResourceArn }));
  const Tags = tagsOf(settings).filter(
    ({ Key, Value }) => !found.some((tag) => tag.Key === Key && tag.Value === Value),
  );
  if (Tags.length > 0) await clients.sageMaker.send(new AddTagsCommand({ ResourceArn, Tags }));
};
