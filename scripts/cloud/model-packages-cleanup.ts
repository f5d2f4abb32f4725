import {
  DeleteModelPackageCommand,
  paginateListModelPackages,
  type SageMakerClient,
} from '@aws-sdk/client-sagemaker';

/**
 * Deletes the model versions that pipelines have registered in a group: AWS refuses to delete the group while there
 * are any.
 *
 * @returns how many there were
 */
export const deleteModelPackages = async (client: SageMakerClient, group: string): Promise<number> => {
  const versions: string[] = [];
  for await (const page of paginateListModelPackages({ client }, { ModelPackageGroupName: group }))
    for (const { ModelPackageArn } of page.ModelPackageSummaryList ?? [])
      if (ModelPackageArn !== undefined) versions.push(ModelPackageArn);
  for (const version of versions)
    await client.send(new DeleteModelPackageCommand({ ModelPackageName: version }));
  return versions.length;
};
