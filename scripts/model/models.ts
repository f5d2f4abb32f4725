import {
  DescribeModelPackageCommand,
  type DescribeModelPackageCommandOutput,
  ListModelPackagesCommand,
  UpdateModelPackageCommand,
} from '@aws-sdk/client-sagemaker';
import { z } from 'zod';
import { MODEL_PROPERTY } from '../../model/contract/sagemaker-jobs.ts';
import type { Clock, DeployClients } from '../../model/jobs/deploy/context.ts';
import { describeEndpoint } from '../../model/jobs/deploy/endpoint.ts';
import { configVersion } from '../../model/jobs/deploy/endpoint-config.ts';
import { type DeployResult, deployEndpoint, withoutWatching } from '../../model/jobs/deploy/job.ts';
import { readDeploySettings } from '../../model/jobs/deploy/settings.ts';

/** Where models are registered and served: AWS, or this machine. */
export interface ModelPlace {
  readonly clients: DeployClients;
  readonly clock: Clock;
  readonly group: string;
  readonly endpointName: string;
  /** Environment of the deployment job, without the variables that name a model. */
  readonly deployEnvironment: Readonly<Record<string, string>>;
  /** Reads an S3 object. */
  readonly readText: (uri: string) => Promise<string>;
}

export interface ModelVersion {
  readonly version: number;
  readonly arn: string;
  /** `Approved`, `PendingManualApproval` or `Rejected` */
  readonly status: string;
  /** Accuracy on the test photos, 0 to 1; `undefined` if its report is missing. */
  readonly accuracy: number | undefined;
  readonly registeredAt: Date | undefined;
  readonly by: string;
  /** The SageMaker model that serves it. */
  readonly modelName: string | undefined;
  /** Where it comes from: the properties of its model package. */
  readonly origin: Readonly<Record<string, string>>;
}

/** How many of the newest versions are listed. */
const LISTED = 20;

const reportSchema = z.object({
  multiclass_classification_metrics: z.object({ accuracy: z.object({ value: z.number() }) }),
});

const readAccuracy = async ({ readText }: ModelPlace, uri: string | undefined) => {
  if (uri === undefined) return undefined;
  try {
    const report = reportSchema.parse(JSON.parse(await readText(uri)));
    return report.multiclass_classification_metrics.accuracy.value;
  } catch {
    return undefined;
  }
};

/** Who registered it: a Studio profile, or another IAM identity. */
const creator = ({ CreatedBy }: DescribeModelPackageCommandOutput): string =>
  CreatedBy?.UserProfileName ?? CreatedBy?.IamIdentity?.Arn ?? 'unknown';

const describe = async (place: ModelPlace, arn: string): Promise<ModelVersion> => {
  const command = new DescribeModelPackageCommand({ ModelPackageName: arn });
  const found = await place.clients.sageMaker.send(command);
  const { ApprovalDescription: Approval, CustomerMetadataProperties = {} } = found;
  const { [MODEL_PROPERTY]: modelName, ...origin } = CustomerMetadataProperties;
  return {
    version: found.ModelPackageVersion ?? 0,
    arn,
    status: found.ModelApprovalStatus ?? '',
    accuracy: await readAccuracy(place, found.ModelMetrics?.ModelQuality?.Statistics?.S3Uri),
    registeredAt: found.CreationTime,
    by: creator(found),
    modelName,
    origin: { ...origin, ...(Approval !== undefined && { Approval }) },
  };
};

/** The newest versions, the last first. */
export const listVersions = async (place: ModelPlace): Promise<ModelVersion[]> => {
  const { ModelPackageSummaryList = [] } = await place.clients.sageMaker.send(
    new ListModelPackagesCommand({
      ModelPackageGroupName: place.group,
      SortBy: 'CreationTime',
      SortOrder: 'Descending',
      MaxResults: LISTED,
    }),
  );
  const arns = ModelPackageSummaryList.flatMap(({ ModelPackageArn }) => ModelPackageArn ?? []);
  return Promise.all(arns.map((arn) => describe(place, arn)));
};

/** @throws Error that lists the existing versions */
export const findVersion = async (place: ModelPlace, version: number): Promise<ModelVersion> => {
  const versions = await listVersions(place);
  const found = versions.find((each) => each.version === version);
  if (found) return found;
  const known = versions.map((each) => each.version).join(', ') || 'none';
  throw new Error(`There is no version ${version} of ${place.group}. The newest are: ${known}.`);
};

/** The endpoint's status, the version in service and the one being deployed. `undefined` for unregistered models. */
export const findServed = async ({ clients, endpointName }: ModelPlace) => {
  const endpoint = await describeEndpoint({ clients, settings: { endpointName } });
  const version = (config: string | undefined) =>
    config === undefined ? undefined : configVersion(config, endpointName);
  return {
    status: endpoint?.status,
    served: version(endpoint?.config),
    next: version(endpoint?.pending),
  };
};

export const approveVersion = async ({ clients }: ModelPlace, { arn }: ModelVersion): Promise<void> => {
  await clients.sageMaker.send(
    new UpdateModelPackageCommand({
      ModelPackageArn: arn,
      ModelApprovalStatus: 'Approved',
      ApprovalDescription: 'Approved with npm run model.',
    }),
  );
};

interface DeployOptions {
  /** Rolls back to a version that was in service before: without trial, canary and alarms. @default false */
  readonly back?: boolean;
  readonly signal: AbortSignal;
  readonly report: (line: string) => void;
}

/** Deploys a version to the endpoint, as the pipeline's step DeployEndpoint does. @throws Error like that job */
export const deployVersion = async (
  { clients, clock, deployEnvironment }: ModelPlace,
  { version, arn, modelName }: ModelVersion,
  { back = false, signal, report }: DeployOptions,
): Promise<DeployResult> => {
  if (modelName === undefined)
    throw new Error(
      `Version ${version} does not name its SageMaker model, because an older pipeline registered it. Run the pipeline again.`,
    );
  const given = readDeploySettings({ ...deployEnvironment, MODEL_NAME: modelName, MODEL_PACKAGE_ARN: arn });
  const settings = back ? withoutWatching(given) : given;
  const context = { settings, clients, clock, startedAt: clock.now(), signal, report };
  return deployEndpoint(context, { tried: back });
};

/**
 * The version to roll back to: the newest approved one older than the version in service or being deployed.
 *
 * @throws Error if there is none
 */
export const previousVersion = async (place: ModelPlace): Promise<ModelVersion> => {
  const { served, next = served } = await findServed(place);
  const versions = await listVersions(place);
  const found = versions.find(
    ({ version, status }) => next !== undefined && version < next && status === 'Approved',
  );
  if (found) return found;
  const what = next === undefined ? 'No registered version' : `Version ${next}`;
  throw new Error(
    `${what} is in service, and no older version is approved: npm run model -- list. On this machine, npm start returns to the default model after build/endpoint is removed.`,
  );
};
