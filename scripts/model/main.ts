import { readFile } from 'node:fs/promises';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { DEPLOY_ENVIRONMENT } from '../../model/contract/sagemaker-jobs.ts';
import { createDeployClients, systemClock } from '../../model/jobs/deploy/context.ts';
import { percent, wholeNumber } from '../../model/shared/text.ts';
import { loadConfiguration, readContext } from '../../stacks/config/load.ts';
import { endpointAlarmNames, resourceNames } from '../../stacks/names.ts';
import { LocalEndpoints } from '../pipeline/local-endpoint.ts';
import { Workspace } from '../pipeline/workspace.ts';
import { print, runCommand, textTable } from '../shared/cli.ts';
import { takeLock } from '../shared/lock.ts';
import {
  approveVersion,
  deployVersion,
  findServed,
  findVersion,
  listVersions,
  type ModelPlace,
  type ModelVersion,
  previousVersion,
} from './models.ts';

/** Shows the registered versions of the model, and chooses the one in service. */

const HEAD = `Usage: npm run model -- list | show VERSION | approve VERSION | deploy VERSION | rollback

  list       the newest versions, their accuracy, when and by whom they were registered, and which one is in service
  show       everything about a version
  approve    approves a version and deploys it
  deploy     deploys an approved version to the endpoint
  rollback   deploys the previous approved version to the endpoint, at once
`;

const WITH_VERSION = ['show', 'approve', 'deploy'] as const;
const ALONE = ['list', 'rollback'] as const;
const CALL = 'list, show VERSION, approve VERSION, deploy VERSION or rollback';

const options = z.strictObject({
  command: z
    .union([z.tuple([z.enum(WITH_VERSION), wholeNumber(1)]), z.tuple([z.enum(ALONE)])], CALL)
    .meta({ positional: true, value: 'COMMAND', description: CALL }),
  aws: z.boolean().default(false).meta({
    description:
      'on AWS, with the current credentials and configuration; otherwise on this machine,\nwith the models that npm run pipeline registers and npm start serves',
  }),
});

/** Runs `work` with access to the models. */
type WithPlace = <T>(changes: boolean, work: (place: ModelPlace) => Promise<T>) => Promise<T>;

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

/** The account of the SDK's credentials, in the configured region. */
const onAws: WithPlace = async (_, work) => {
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
const onThisMachine: WithPlace = async (changes, work) => {
  const workspace = new Workspace();
  const release = changes ? takeLock(workspace.lock, 'npm run model') : () => {};
  const endpoints = new LocalEndpoints(workspace);
  try {
    const { region, deployEnvironment, ...place } = configured();
    const environment = await endpoints.environment();
    // Points the AWS SDK to the local SageMaker, as in the pipeline's jobs.
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

const when = (date: Date | undefined): string => date?.toISOString().slice(0, 16).replace('T', ' ') ?? '';
const accuracyText = ({ accuracy }: ModelVersion): string =>
  accuracy === undefined ? 'unknown' : percent(accuracy);

const list = async (place: ModelPlace): Promise<void> => {
  const { status, served, next } = await findServed(place);
  const { endpointName } = place;
  print(status ? `The endpoint ${endpointName} is ${status}.` : `No model is deployed to ${endpointName}.`);
  const rows = (await listVersions(place)).map((each) => {
    const { version, status, registeredAt, by } = each;
    const use = version === served ? 'in service' : version === next ? 'being deployed' : '';
    return [String(version), status, accuracyText(each), when(registeredAt), by, use];
  });
  if (rows.length === 0) print('No version is registered yet. npm run pipeline trains and registers one.');
  else
    for (const line of textTable([['version', 'status', 'accuracy', 'registered (UTC)', 'by', ''], ...rows]))
      print(line);
};

const show = async (place: ModelPlace, number: number): Promise<void> => {
  const found = await findVersion(place, number);
  const { version, status, registeredAt, by, arn, modelName = 'unknown', origin } = found;
  const facts = {
    Version: String(version),
    Status: status,
    'In service': (await findServed(place)).served === version ? 'yes' : 'no',
    Accuracy: accuracyText(found),
    Registered: `${when(registeredAt)} UTC by ${by}`,
    Package: arn,
    Model: modelName,
    ...origin,
  };
  for (const line of textTable(Object.entries(facts))) print(line);
};

/** @throws Error if it is not approved */
const approved = async (place: ModelPlace, version: number): Promise<ModelVersion> => {
  const found = await findVersion(place, version);
  if (found.status === 'Approved') return found;
  throw new Error(
    `Version ${version} is ${found.status}. Approve it, which deploys it: npm run model -- approve ${version}`,
  );
};

const run = async ({ command: [command, version = 0], aws }: z.output<typeof options>): Promise<number> => {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => stop.abort(new Error('Stopped. SageMaker will finish what was started.')));
  const options = { signal: stop.signal, report: print };
  const changes = command !== 'list' && command !== 'show';
  await (aws ? onAws : onThisMachine)(changes, async (place) => {
    if (command === 'list') return list(place);
    if (command === 'show') return show(place, version);
    if (command === 'approve') await approveVersion(place, await findVersion(place, version));
    const back = command === 'rollback';
    const chosen = back ? await previousVersion(place) : await approved(place, version);
    const { summary } = await deployVersion(place, chosen, { ...options, back });
    print(summary);
  });
  return 0;
};

await runCommand({ head: HEAD, options }, run);
