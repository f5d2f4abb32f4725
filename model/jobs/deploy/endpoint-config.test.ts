import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import {
  configFor,
  ENDPOINT_NAME,
  modelName,
  type SimulationOptions,
  settingsFor,
  startSimulation,
} from '../../../scripts/aws-double/simulated-deployment.ts';
import { configName, configVersion, describeConfig } from './endpoint-config.ts';

describe('the name of a configuration', () => {
  test('is the same for the same model on the same instances, and another for any other', () => {
    const name = configFor(7);
    assert.match(name, /^image-classifier-7-[0-9a-f]{8}$/);
    assert.equal(configName(settingsFor(7, { maxInstances: 9, rollbackAlarms: [], pollSeconds: 1 })), name);
    const others = [
      settingsFor(8),
      settingsFor(7, { modelName: 'flowers-7-again' }),
      settingsFor(7, { instanceType: 'ml.c5.large' }),
      settingsFor(7, { minInstances: 2 }),
    ].map(configName);
    assert.equal(new Set([name, ...others]).size, 5);
  });

  test('is at most as long as SageMaker takes', () => {
    const endpointName = 'x'.repeat(43);
    const modelPackage = { arn: '', version: 1234567890 };
    assert.equal(configName(settingsFor(7, { endpointName, modelPackage })).length, 63);
  });

  test('tells the version, if it is one of this endpoint', () => {
    for (const [config, endpoint, version] of [
      ['image-classifier-12-0123abcd', 'image-classifier', 12],
      ['image-classifier-dev-12-0123abcd', 'image-classifier-dev', 12],
      ['image-classifier-dev-12-0123abcd', 'image-classifier', undefined],
      ['image-classifier-2-12-0123abcd', 'image-classifier', undefined],
      ['image-classifier-12', 'image-classifier', undefined],
    ] as const)
      assert.equal(configVersion(config, endpoint), version, config);
    assert.equal(describeConfig('by-hand', 'image-classifier'), 'the configuration by-hand');
    assert.match(describeConfig('image-classifier-12-0123abcd', 'image-classifier'), /^model version 12 /);
  });
});

describe('old configurations', () => {
  const startWithHistory = async (t: TestContext, options?: SimulationOptions) => {
    const simulation = await startSimulation(t, options);
    const { aws, clock, addModels, addConfigs } = simulation;
    addModels(3, 4, 5, 6, 7, 8, 9);
    addConfigs(3, 4, 5, 6);
    aws.endpoints.add(ENDPOINT_NAME, configFor(5));
    clock.advance(600);
    return simulation;
  };

  test('go after a rollout, except what was served before', async (t) => {
    const { aws, deploy } = await startWithHistory(t);
    await deploy(8);
    assert.deepEqual(aws.configs.names, [5, 8].map(configFor));
  });

  test('stay when this job has not created them, also those of an endpoint with a similar name', async (t) => {
    const { aws, clock, addConfig, deploy } = await startWithHistory(t);
    const others = [
      'image-classifier-by-hand',
      'image-classifier-dev2-3-0123abcd',
      'image-classifier-2-3-0123abcd',
      'my-image-classifier-3-0123abcd',
    ];
    for (const name of others) addConfig(name, modelName(3));
    clock.advance(600);
    await deploy(8);
    assert.deepEqual(aws.configs.names, [...others, configFor(5), configFor(8)].sort());
  });

  test('are all found when there are more than SageMaker lists at a time', async (t) => {
    const { aws, clock, addConfig, deploy } = await startWithHistory(t);
    for (let count = 10; count < 35; count++) addConfig(`${ENDPOINT_NAME}-2-000000${count}`, modelName(3));
    clock.advance(600);
    await deploy(8);
    assert.deepEqual(aws.configs.names, [5, 8].map(configFor));
  });

  test('stay when another run may have just created them', async (t) => {
    const { aws, addConfigs, deploy } = await startWithHistory(t);
    addConfigs(9);
    await deploy(8);
    assert.deepEqual(aws.configs.names, [5, 8, 9].map(configFor));
  });

  test('stay when another run goes back to them while older ones are deleted', async (t) => {
    const { aws, deploy } = await startWithHistory(t);
    aws.afterCall = (operation) => {
      if (operation !== 'DeleteEndpointConfig') return;
      aws.afterCall = () => undefined;
      aws.endpoints.transition(ENDPOINT_NAME, 'Updating', {
        seconds: 900,
        next: 'InService',
        pending: configFor(4),
      });
    };
    await deploy(8);
    assert.deepEqual(aws.configs.names, [4, 5, 8].map(configFor));
  });

  test('stay, the youngest of them, when the endpoint is a new one', async (t) => {
    const { aws, deploy } = await startWithHistory(t);
    aws.endpoints.transition(ENDPOINT_NAME, 'Deleting', { seconds: 60, next: 'gone' });
    await deploy(8);
    const [kept, ...others] = aws.configs.names.filter((name) => name !== configFor(8));
    assert.equal(others.length, 0);
    assert.ok(kept);
  });

  test('stay, one of them, when an endpoint is brought back into service', async (t) => {
    const { aws, deploy } = await startWithHistory(t);
    aws.endpoints.add(ENDPOINT_NAME, configFor(5), { status: 'OutOfService' });
    const { summary } = await deploy(5);
    assert.equal(aws.configs.names.length, 2);
    assert.doesNotMatch(summary, /Before/);
  });

  test('stay after a rollout that failed', async (t) => {
    const { aws, models, deploy } = await startWithHistory(t);
    models.add(modelName(10), { alarms: ['app-endpoint-errors'] });
    await assert.rejects(deploy(10));
    assert.deepEqual(aws.configs.names, [3, 4, 5, 6, 10].map(configFor).sort());
  });

  test('that cannot be deleted do not fail a deployment', async (t) => {
    const { deploy, lines } = await startWithHistory(t, {
      statements: [
        {
          actions: ['sagemaker:C*', 'sagemaker:D*Endpoint', 'sagemaker:DescribeEndpointConfig'],
          resources: ['*'],
        },
        { actions: ['sagemaker:*Tags', 'sagemaker:*e*Endpoint', 'sagemaker:List*'], resources: ['*'] },
        { actions: ['application-autoscaling:*', 'cloudwatch:*', 'iam:*'], resources: ['*'] },
      ],
    });
    assert.equal((await deploy(8)).kind, 'rolled out');
    assert.match(
      lines.at(-1) ?? '',
      /left over: .*not authorized to perform: sagemaker:DeleteEndpointConfig/,
    );
  });
});
