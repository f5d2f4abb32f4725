import assert from 'node:assert/strict';
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
  const host = {
    has: (name: string) => registry.hasModel(name),
    serve: async (name: string) => {
      if (name === 'slow') return new Promise<never>(() => {});
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
  const create = (EndpointConfigName: string) =>
    aws.perform('CreateEndpoint', { EndpointName: 'flowers', EndpointConfigName });
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
  return { aws, folder, makeConfig, create, update, settled };
};

test('the state outlives the process, but changes in progress do not', async (t) => {
  const first = start(t);
  await first.makeConfig('one', 'model-1');
  await first.makeConfig('two', 'slow');
  await first.create('one');
  await first.settled();
  await first.update('two');
  const { status, config } = start(t, first.folder).aws.endpoints.get('flowers');
  assert.deepEqual([status, config], ['InService', 'one']);
});

test('an unsupported operation and a malformed request are errors', async (t) => {
  const { aws, update } = start(t);
  await assert.rejects(aws.perform('ListModels', {}), /ListModels is not available on this/);
  await assert.rejects(update('-'), { code: 'ValidationException' });
});
