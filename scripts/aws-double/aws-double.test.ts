import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  ApplicationAutoScalingClient,
  DeregisterScalableTargetCommand,
  DescribeScalableTargetsCommand,
  RegisterScalableTargetCommand,
} from '@aws-sdk/client-application-auto-scaling';
import {
  AddTagsCommand,
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  DeleteEndpointConfigCommand,
  DescribeEndpointCommand,
  ListEndpointConfigsCommand,
  ListModelsCommand,
  ListTagsCommand,
  SageMakerClient,
  UpdateEndpointCommand,
} from '@aws-sdk/client-sagemaker';
import { ModelRegistry } from './registry.ts';
import { AwsDouble } from './server.ts';
import { AwsState } from './state.ts';

/** A double with a file as state, whose endpoint serves every model but those called `bad`. */
const start = async (t: TestContext, folder = mkdtempSync(path.join(tmpdir(), 'bloomstack-sagemaker-'))) => {
  const registry = new ModelRegistry(path.join(folder, 'registry'));
  const served: string[] = [];
  const host = {
    has: (name: string) => registry.hasModel(name),
    serve: async (name: string) => {
      if (name.startsWith('bad')) return { succeeded: false, failureReason: 'It cannot be loaded.' };
      served.push(name);
      return { succeeded: true };
    },
  };
  const state = AwsState.inFile(path.join(folder, 'state.json'));
  const { url, stop } = await new AwsDouble({ host, state }).start();
  t.after(async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const settings = {
    endpoint: url,
    region: 'ap-northeast-2',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
    maxAttempts: 1,
  };
  const client = new SageMakerClient(settings);
  const makeConfig = async (name: string, model: string) => {
    registry.createModel({
      ModelName: model,
      PrimaryContainer: { Image: 'image', ModelDataUrl: 's3://bucket/model.tar.gz', Environment: {} },
      ExecutionRoleArn: 'role',
      EnableNetworkIsolation: true,
    });
    const variant = { VariantName: 'AllTraffic', ModelName: model, InitialInstanceCount: 1 };
    const ProductionVariants = [{ ...variant, InstanceType: 'ml.m5.large' as const }];
    return client.send(new CreateEndpointConfigCommand({ EndpointConfigName: name, ProductionVariants }));
  };
  const describe = () => client.send(new DescribeEndpointCommand({ EndpointName: 'flowers' }));
  const settled = async () => {
    for (;;) {
      const found = await describe();
      if (!found.EndpointStatus?.endsWith('ing')) return found;
    }
  };
  const scaling = new ApplicationAutoScalingClient(settings);
  return { folder, served, client, scaling, makeConfig, describe, settled };
};

const DeploymentConfig = {
  BlueGreenUpdatePolicy: {
    TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 0 },
    TerminationWaitInSeconds: 0,
    MaximumExecutionTimeoutInSeconds: 3000,
  },
} as const;
const update = (EndpointConfigName: string) =>
  new UpdateEndpointCommand({ EndpointName: 'flowers', EndpointConfigName, DeploymentConfig });
const create = (EndpointConfigName: string) =>
  new CreateEndpointCommand({
    EndpointName: 'flowers',
    EndpointConfigName,
    Tags: [{ Key: 'version', Value: '1' }],
  });

test('an endpoint is created once, and updated afterwards', async (t) => {
  const { client, served, makeConfig, describe, settled } = await start(t);
  await assert.rejects(describe(), /Could not find endpoint "arn:.*:endpoint\/flowers"/);
  await makeConfig('one', 'model-1');
  await makeConfig('two', 'model-2');
  await client.send(create('one'));
  const first = await settled();
  assert.equal(first.EndpointStatus, 'InService');
  assert.equal(first.EndpointConfigName, 'one');
  assert.ok(first.CreationTime instanceof Date);
  await assert.rejects(client.send(create('two')), /Cannot create already existing endpoint/);
  await client.send(update('two'));
  assert.equal((await settled()).EndpointConfigName, 'two');
  assert.deepEqual(served, ['model-1', 'model-2']);
});

test('a model that cannot be served is rolled back, with the reason', async (t) => {
  const { client, makeConfig, settled } = await start(t);
  await makeConfig('one', 'model-1');
  await makeConfig('broken', 'bad-model');
  await client.send(create('one'));
  await settled();
  await client.send(update('broken'));
  const after = await settled();
  assert.equal(after.EndpointStatus, 'InService');
  assert.equal(after.EndpointConfigName, 'one');
  assert.equal(after.FailureReason, 'It cannot be loaded.');
  await client.send(update('one'));
  assert.equal((await settled()).FailureReason, undefined);
});

test('a first model that cannot be served leaves a failed endpoint', async (t) => {
  const { client, makeConfig, settled } = await start(t);
  await makeConfig('broken', 'bad-model');
  await client.send(create('broken'));
  assert.equal((await settled()).EndpointStatus, 'Failed');
  await assert.rejects(client.send(update('broken')), /Cannot update endpoint .* in status Failed/);
});

test('configurations are listed by name, need a model, and are made once', async (t) => {
  const { client, makeConfig } = await start(t);
  await makeConfig('flowers-1', 'model-1');
  await makeConfig('other-1', 'model-1');
  await assert.rejects(makeConfig('flowers-1', 'model-1'), /Cannot create already existing endpoint conf/);
  const list = new ListEndpointConfigsCommand({ NameContains: 'flowers-' });
  const { EndpointConfigs = [] } = await client.send(list);
  assert.deepEqual(
    EndpointConfigs.map(({ EndpointConfigName }) => EndpointConfigName),
    ['flowers-1'],
  );
  const remove = new DeleteEndpointConfigCommand({ EndpointConfigName: 'flowers-1' });
  await client.send(remove);
  await assert.rejects(client.send(remove), /Could not find endpoint configuration "arn:/);
  const missing = { VariantName: 'AllTraffic', ModelName: 'none', InitialInstanceCount: 1 };
  const ProductionVariants = [{ ...missing, InstanceType: 'ml.m5.large' as const }];
  await assert.rejects(
    client.send(new CreateEndpointConfigCommand({ EndpointConfigName: 'x', ProductionVariants })),
    /Could not find model/,
  );
});

test('tags are added to those that are there', async (t) => {
  const { client, makeConfig, settled } = await start(t);
  await makeConfig('one', 'model-1');
  await client.send(create('one'));
  const { EndpointArn: ResourceArn } = await settled();
  const Tags = [
    { Key: 'version', Value: '2' },
    { Key: 'team', Value: 'a' },
  ];
  await client.send(new AddTagsCommand({ ResourceArn, Tags }));
  assert.deepEqual((await client.send(new ListTagsCommand({ ResourceArn }))).Tags, Tags);
});

test('autoscaling remembers what is registered', async (t) => {
  const { client, scaling, makeConfig } = await start(t);
  await makeConfig('one', 'model-1');
  await client.send(create('one'));
  const which = {
    ServiceNamespace: 'sagemaker',
    ResourceId: 'endpoint/flowers/variant/AllTraffic',
    ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
  } as const;
  const deregister = new DeregisterScalableTargetCommand(which);
  await assert.rejects(scaling.send(deregister), { name: 'ObjectNotFoundException' });
  await scaling.send(new RegisterScalableTargetCommand({ ...which, MinCapacity: 1, MaxCapacity: 2 }));
  const { ScalableTargets } = await scaling.send(
    new DescribeScalableTargetsCommand({
      ServiceNamespace: 'sagemaker',
      ResourceIds: [which.ResourceId],
      ScalableDimension: which.ScalableDimension,
    }),
  );
  assert.equal(ScalableTargets?.[0]?.MaxCapacity, 2);
  await scaling.send(deregister);
});

test('what is known outlives the process, but not what it was in the middle of', async (t) => {
  const first = await start(t);
  await first.makeConfig('one', 'model-1');
  await first.makeConfig('two', 'model-2');
  await first.client.send(create('one'));
  await first.settled();
  await first.client.send(update('two'));
  const second = await start(t, first.folder);
  assert.equal((await second.describe()).EndpointStatus, 'InService');
});

test('an operation that it does not have, and a wrong request, are errors', async (t) => {
  const { client } = await start(t);
  await assert.rejects(client.send(new ListModelsCommand({})), /There is no ListModels on this/);
  await assert.rejects(client.send(update('-')), { name: 'ValidationException' });
});
