import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { ModelRegistry } from './registry.ts';
import { AwsDouble } from './server.ts';
import { AwsState } from './state.ts';

const variant = { VariantName: 'AllTraffic', InstanceType: 'ml.m5.large', InitialInstanceCount: 1 };

/** A double with a file as state; loading the model `slow` never ends. What the deployment job asks of it is held by its tests. */
const start = (t: TestContext, folder = temporaryFolder(t)) => {
  const registry = new ModelRegistry(path.join(folder, 'registry'));
  const served: string[] = [];
  const host = {
    has: (name: string) => registry.hasModel(name),
    serve: async (name: string) => {
      if (name === 'slow') return new Promise<never>(() => {});
      served.push(name);
      return { succeeded: true };
    },
    invoke: async (name: string) => name,
  };
  const state = AwsState.inFile(path.join(folder, 'state.json'));
  const aws = new AwsDouble({ host, registry, state });
  const makeConfig = (EndpointConfigName: string, ModelName: string) => {
    registry.createModel({
      ModelName,
      PrimaryContainer: { Image: 'image', ModelDataUrl: 's3://bucket/model.tar.gz', Environment: {} },
      ExecutionRoleArn: 'role',
      EnableNetworkIsolation: true,
    });
    const ProductionVariants = [{ ...variant, ModelName }];
    return aws.perform('CreateEndpointConfig', { EndpointConfigName, ProductionVariants });
  };
  const create = (EndpointConfigName: string) => {
    const Tags = [{ Key: 'version', Value: '1' }];
    return aws.perform('CreateEndpoint', { EndpointName: 'flowers', EndpointConfigName, Tags });
  };
  const update = (EndpointConfigName: string) => {
    const BlueGreenUpdatePolicy = {
      TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 0 },
      TerminationWaitInSeconds: 0,
      MaximumExecutionTimeoutInSeconds: 3000,
    };
    const DeploymentConfig = { BlueGreenUpdatePolicy };
    return aws.perform('UpdateEndpoint', { EndpointName: 'flowers', EndpointConfigName, DeploymentConfig });
  };
  const settled = async () => {
    await aws.endpoints.settled();
    return aws.endpoints.get('flowers');
  };
  return { aws, folder, registry, state, served, makeConfig, create, update, settled };
};

test('an endpoint is created once, with tags that others are added to, and updated afterwards', async (t) => {
  const { aws, state, served, makeConfig, create, update, settled } = start(t);
  await assert.rejects(settled(), /Could not find endpoint "arn:.*:endpoint\/flowers"/);
  await makeConfig('one', 'model-1');
  await makeConfig('two', 'model-2');
  await create('one');
  const first = await settled();
  assert.deepEqual([first.status, first.config], ['InService', 'one']);
  await assert.rejects(create('two'), /Cannot create already existing endpoint/);
  await update('two');
  assert.equal((await settled()).config, 'two');
  assert.deepEqual(served, ['model-1', 'model-2']);
  assert.equal(await aws.perform('InvokeEndpoint', { EndpointName: 'flowers', Body: '{}' }), 'model-2');
  const [ResourceArn = ''] = Object.keys(state.contents.tags);
  const Tags = [
    { Key: 'version', Value: '2' },
    { Key: 'team', Value: 'a' },
  ];
  await aws.perform('AddTags', { ResourceArn, Tags });
  assert.deepEqual(state.contents.tags[ResourceArn], Tags);
});

test('configurations are listed by name, need a model, and are made once', async (t) => {
  const { aws, makeConfig } = start(t);
  await makeConfig('flowers-1', 'model-1');
  await makeConfig('other-1', 'model-1');
  await assert.rejects(makeConfig('flowers-1', 'model-1'), /Cannot create already existing endpoint conf/);
  const listed = JSON.stringify(await aws.perform('ListEndpointConfigs', { NameContains: 'flowers-' }));
  assert.match(listed, /^(?!.*other).*"flowers-1"/);
  const which = { EndpointConfigName: 'flowers-1' };
  await aws.perform('DeleteEndpointConfig', which);
  const again = aws.perform('DeleteEndpointConfig', which);
  await assert.rejects(again, /Could not find endpoint configuration "arn:/);
  const ProductionVariants = [{ ...variant, ModelName: 'none' }];
  await assert.rejects(
    aws.perform('CreateEndpointConfig', { ...which, ProductionVariants }),
    /Could not find model/,
  );
});

test('what is known outlives the process, but not what it was in the middle of', async (t) => {
  const first = start(t);
  await first.makeConfig('one', 'model-1');
  await first.makeConfig('two', 'slow');
  await first.create('one');
  await first.settled();
  await first.update('two');
  const { status, config } = start(t, first.folder).aws.endpoints.get('flowers');
  assert.deepEqual([status, config], ['InService', 'one']);
});

test('versions of a model are registered, listed from the newest, and approved', async (t) => {
  const { aws, folder, registry } = start(t);
  const report = path.join(folder, 'report.json');
  writeFileSync(report, '{}');
  const sorting = { SortBy: 'CreationTime', SortOrder: 'Descending', MaxResults: 20 };
  const list = () => aws.perform('ListModelPackages', { ModelPackageGroupName: 'flowers', ...sorting });
  assert.deepEqual(await list(), { ModelPackageSummaryList: [] });
  const pending = { ModelApprovalStatus: 'PendingManualApproval' };
  const [first = '', second = ''] = [1, 2].map(() => registry.register('flowers', pending, report));
  const approved = { ModelApprovalStatus: 'Approved', ApprovalDescription: 'It is good.' };
  await aws.perform('UpdateModelPackage', { ModelPackageArn: first, ...approved });
  const described = await aws.perform('DescribeModelPackage', { ModelPackageName: first });
  assert.match(JSON.stringify(described), /"Approved".*"CreationTime":\d+\.?\d*,.*"It is good\."/);
  const listed = JSON.stringify(await list());
  assert.ok(listed.indexOf(second) < listed.indexOf(first), listed);
  const missing = { ModelPackageName: first.replace(/1$/, '3') };
  await assert.rejects(aws.perform('DescribeModelPackage', missing), /flowers\/3 does not exist/);
});

test('an operation that it does not have, and a wrong request, are errors', async (t) => {
  const { aws, update } = start(t);
  await assert.rejects(aws.perform('ListModels', {}), /There is no ListModels on this/);
  await assert.rejects(update('-'), { code: 'ValidationException' });
});
