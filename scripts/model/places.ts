import { readFile } from 'node:fs/promises';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DEPLOY_ENVIRONMENT } from '../../model/contract/sagemaker-jobs.ts';
import { createDeployClients, systemClock } from '../../model/jobs/deploy/context.ts';
import { loadConfiguration, readContext } from '../../stacks/config/load.ts';
import { endpointAlarmNames, resourceNames } from '../../stacks/names.ts';
import { LocalEndpoints } from '../pipeline/local-endpoint.ts';
import { Workspace } from '../pipeline/workspace.ts';
import { takeLock } from '../shared/lock.ts';
import type { ModelPlace } from './models.ts';

interface PlaceOptions {
  /** Whether something is to be changed there. */
  readonly changes: boolean;
}

/** Runs `work` where the models are. */
type WithPlace = <T>(options: PlaceOptions, work: (place: ModelPlace) => Promise<T>) => Promise<T>;

const configured = () => {
  const config = loadConfiguration({ context: readContext(), env: process.env });
  const names = resourceNames(config);
  const { endpointInstanceType, endpointMinInstances, endpointMaxInstances } = config.learning;
  return {
    clock: systemClock,
    region: config.region,
    group: names.learning.modelPackageGroup,
    endpointName: names.learning.endpoint,
    deployEnvironment: {
      [DEPLOY_ENVIRONMENT.endpointName]: names.learning.endpoint,
      [DEPLOY_ENVIRONMENT.instanceType]: endpointInstanceType,
      [DEPLOY_ENVIRONMENT.minInstances]: String(endpointMinInstances),
      [DEPLOY_ENVIRONMENT.maxInstances]: String(endpointMaxInstances),
      [DEPLOY_ENVIRONMENT.rollbackAlarms]: Object.values(endpointAlarmNames(names)).join(','),
      [DEPLOY_ENVIRONMENT.region]: config.region,
    },
  };
};

/** The account of the SDK's own credentials, in the configuration's region. */
export const onAws: WithPlace = async (_, work) => {
  const { region, ...place } = configured();
  const s3 = new S3Client({ region });
  const readText = async (uri: string): Promise<string> => {
    const { host: Bucket, pathname } = new URL(uri);
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: decodeURI(pathname.slice(1)) }));
    return Body?.transformToString() ?? '';
  };
  return work({ ...place, readText, clients: createDeployClients(region) });
};

/** The registry of `npm run pipeline`, and the endpoint of `npm start`. */
export const onThisMachine: WithPlace = async ({ changes }, work) => {
  const workspace = new Workspace();
  const release = changes ? takeLock(workspace.lock, 'npm run model') : () => {};
  const endpoints = new LocalEndpoints(workspace);
  try {
    const { region, deployEnvironment, ...place } = configured();
    const environment = await endpoints.environment();
    // AWS's SDK finds the local SageMaker by it, as in the pipeline's jobs.
    Object.assign(process.env, environment);
    return await work({
      ...place,
      clients: createDeployClients(region),
      deployEnvironment: { ...deployEnvironment, ...environment },
      readText: (uri) => readFile(workspace.s3.path(uri), 'utf8'),
    });
  } finally {
    await endpoints.stop();
    release();
  }
};
