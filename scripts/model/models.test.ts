import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { MODEL_PROPERTY } from '../../model/contract/sagemaker-jobs.ts';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { ModelRegistry } from '../aws-double/registry.ts';
import {
  ALARMS,
  configFor,
  ENDPOINT_NAME,
  modelName,
  startSimulation,
} from '../aws-double/simulated-deployment.ts';
import { approveVersion, deployVersion, findVersion, listVersions, previousVersion } from './models.ts';

const STATUSES = ['Approved', 'Approved', 'Rejected', 'PendingManualApproval', 'Approved'] as const;

/** Versions 1 to 5 of a model, of {@link STATUSES}; the last but one has no report any more. */
const start = async (t: TestContext, serving?: number) => {
  const folder = temporaryFolder(t);
  const registry = new ModelRegistry(path.join(folder, 'registry'));
  const simulation = await startSimulation(t, {
    registry,
    models: [1, 2, 3, 4, 5],
    ...(serving !== undefined && { serving }),
  });
  const report = path.join(folder, 'report.json');
  writeFileSync(report, '{"multiclass_classification_metrics":{"accuracy":{"value":0.925}}}');
  for (const [index, ModelApprovalStatus] of STATUSES.entries())
    registry.register(
      'flowers',
      {
        ModelApprovalStatus,
        CustomerMetadataProperties: { [MODEL_PROPERTY]: modelName(index + 1), TrainData: 's3://photos/' },
        ModelMetrics: { ModelQuality: { Statistics: { S3Uri: index === 3 ? 's3://gone' : 's3://report' } } },
      },
      report,
    );
  const place = {
    clients: simulation.clients,
    clock: simulation.clock,
    group: 'flowers',
    endpointName: ENDPOINT_NAME,
    deployEnvironment: {
      ENDPOINT_NAME,
      INSTANCE_TYPE: 'ml.m5.large',
      MIN_INSTANCES: '1',
      MAX_INSTANCES: '2',
      ROLLBACK_ALARMS: ALARMS.join(','),
      AWS_REGION: 'ap-northeast-2',
    },
    readText: async (uri: string) => {
      if (uri === 's3://gone') throw new Error('NoSuchKey');
      return '{"multiclass_classification_metrics":{"accuracy":{"value":0.925}}}';
    },
  };
  return { ...simulation, place };
};

const OPTIONS = { signal: new AbortController().signal, report: () => {} };

test('versions are listed from the newest, with status, accuracy, if its report is there, when and by whom', async (t) => {
  const { place } = await start(t);
  const versions = await listVersions(place);
  assert.deepEqual(
    versions.map(({ version, status, accuracy }) => [version, status, accuracy]),
    [...STATUSES.entries()]
      .map(([index, status]) => [index + 1, status, index === 3 ? undefined : 0.925])
      .reverse(),
  );
  for (const { by, registeredAt } of versions)
    assert.deepEqual([by, registeredAt !== undefined], [userInfo().username, true]);
});

test('a rollback goes to the approved version before the one that is served or about to be', async (t) => {
  const { aws, place, addConfigs } = await start(t, 2);
  assert.equal((await previousVersion(place)).version, 1);
  addConfigs(5);
  const pending = configFor(5);
  aws.endpoints.transition(ENDPOINT_NAME, 'Updating', { seconds: 600, next: 'InService', pending });
  assert.equal((await previousVersion(place)).version, 2, 'neither the rejected nor the pending one');
});

test('without an earlier version, a rollback says what is served', async (t) => {
  const previous = previousVersion((await start(t, 1)).place);
  await assert.rejects(previous, /Version 1 is in service, and no older version is approved/);
});

test('a deployment uses trial and alarms, a rollback happens at once', async (t) => {
  const { aws, place, answering } = await start(t, 1);
  const requests = (from = 0) => JSON.stringify(aws.calls.slice(from));
  await deployVersion(place, await findVersion(place, 2), OPTIONS);
  assert.equal(answering(), modelName(2));
  assert.match(requests(), /app-endpoint-errors/);
  assert.match(requests(), /-trial/);
  const before = aws.calls.length;
  await deployVersion(place, await previousVersion(place), { ...OPTIONS, back: true });
  assert.equal(answering(), modelName(1));
  assert.doesNotMatch(requests(before), /app-endpoint-errors|-trial/);
});

test('an approval is kept; what is not there, and what does not name its model, is an error', async (t) => {
  const { place } = await start(t);
  await approveVersion(place, await findVersion(place, 4));
  const { status, origin, ...approved } = await findVersion(place, 4);
  assert.deepEqual([status, origin['Approval']], ['Approved', 'Approved with npm run model.']);
  await assert.rejects(findVersion(place, 9), /no version 9 of flowers\. The newest are: 5, 4, 3, 2, 1/);
  await assert.rejects(
    deployVersion(place, { ...approved, status, origin, modelName: undefined }, OPTIONS),
    /Version 4 does not name its SageMaker model/,
  );
});
