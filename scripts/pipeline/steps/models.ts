import { resolvedRequests } from '../../../stacks/learning/pipeline-schema.ts';
import type { StepOutput } from '../definition/variables.ts';
import { StepFailure } from '../execution/failure.ts';
import type { StepContext } from '../execution/step-runner.ts';
import { nameOf } from '../storage/names.ts';
import type { LocalAws } from './environment.ts';

/** @throws StepFailure when nothing lies there */
const requireObject = async ({ s3 }: LocalAws, uri: string, what: string): Promise<void> => {
  if (!(await s3.has(uri))) throw new StepFailure(`${what} is not in S3 at ${uri} (here: ${s3.path(uri)}).`);
};

/** Makes a SageMaker model of an archive. */
export const runModel = async (
  stepName: string,
  request: unknown,
  { executionId, report }: StepContext,
  local: LocalAws,
): Promise<StepOutput> => {
  const model = resolvedRequests.model.parse(request);
  await requireObject(local, model.PrimaryContainer.ModelDataUrl, "The model's archive");
  const name = nameOf(executionId, stepName);
  const { ModelArn } = local.registry.createModel({ ModelName: name, ...model });
  report(name);
  return { properties: { ModelName: name, ModelArn }, propertyFiles: {} };
};

/** Adds a version to a group of model packages. */
export const runRegisterModel = async (
  request: unknown,
  { report }: StepContext,
  local: LocalAws,
): Promise<StepOutput> => {
  const { ModelPackageGroupName, ...description } = resolvedRequests.modelPackage.parse(request);
  const { S3Uri } = description.ModelMetrics.ModelQuality.Statistics;
  for (const { ModelDataUrl } of description.InferenceSpecification.Containers)
    await requireObject(local, ModelDataUrl, "The model's archive");
  await requireObject(local, S3Uri, "The model's measurements");
  const { registry, s3 } = local;
  const ModelPackageArn = registry.register(ModelPackageGroupName, description, s3.path(S3Uri));
  const version = ModelPackageArn.slice(ModelPackageArn.lastIndexOf('/') + 1);
  report(`version ${version} of ${ModelPackageGroupName}, ${description.ModelApprovalStatus}`);
  return {
    properties: { ModelPackageArn, ModelApprovalStatus: description.ModelApprovalStatus },
    propertyFiles: {},
  };
};
