import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import {
  ALARMS,
  configFor,
  ENDPOINT_NAME,
  modelName,
  SCALING,
  type SimulationOptions,
  settingsFor,
  startSimulation,
  when,
} from '../../../scripts/aws-double/simulated-deployment.ts';
import { configName, configVersion, describeConfig } from './endpoint-config.ts';

test('the first deployment creates the endpoint, with autoscaling and the version on it', async (t) => {
  const { aws, addModels, tags, deploy } = await startSimulation(t);
  addModels(7);

  const result = await deploy(7, { expectedModelVersion: modelName(7) });

  assert.equal(result.kind, 'rolled out');
  assert.equal(result.modelVersion, modelName(7));
  assert.equal(result.config, configFor(7));
  assert.match(result.summary, /now serves model version 7/);
  assert.equal(aws.endpoints.answering(ENDPOINT_NAME), modelName(7));
  assert.equal(tags()['model-version'], '7');
  assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
});

test('a second run with the same model changes nothing, but repairs what an earlier one left undone', async (t) => {
  const { aws, addModels, tags, forgetTags, deploy } = await startSimulation(t);
  addModels(7);
  await deploy(7);
  const before = aws.changes;

  const again = await deploy(7);

  assert.equal(again.kind, 'unchanged');
  assert.equal(again.modelVersion, modelName(7));
  assert.deepEqual(aws.changes, before);

  aws.autoscaling.remove(ENDPOINT_NAME);
  forgetTags();
  assert.equal((await deploy(7)).kind, 'unchanged');
  assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
  assert.equal(tags()['model-version'], '7');
});

test('an update suspends autoscaling, shifts traffic in two steps under the alarms, and scales again', async (t) => {
  const { aws, addModels, deploy } = await startSimulation(t);
  addModels(7, 8);
  await deploy(7);
  aws.endpoints.get(ENDPOINT_NAME).instances = 3;
  const created = aws.changes.length;

  const result = await deploy(8);

  assert.match(result.summary, /now serves model version 8.*Before, it served model version 7/);
  assert.equal(aws.endpoints.answering(ENDPOINT_NAME), modelName(8));
  assert.deepEqual(aws.changes.slice(created), [
    'CreateEndpointConfig',
    'DeregisterScalableTarget',
    'UpdateEndpoint',
    'RegisterScalableTarget',
    'PutScalingPolicy',
    'AddTags',
  ]);
  assert.deepEqual(aws.inputs('UpdateEndpoint'), [
    {
      EndpointName: ENDPOINT_NAME,
      EndpointConfigName: configFor(8),
      RetainAllVariantProperties: true,
      DeploymentConfig: {
        BlueGreenUpdatePolicy: {
          TrafficRoutingConfiguration: {
            Type: 'CANARY',
            CanarySize: { Type: 'INSTANCE_COUNT', Value: 1 },
            WaitIntervalInSeconds: 300,
          },
          TerminationWaitInSeconds: 300,
          MaximumExecutionTimeoutInSeconds: 3600,
        },
        AutoRollbackConfiguration: { Alarms: ALARMS.map((AlarmName) => ({ AlarmName })) },
      },
    },
  ]);
  assert.equal(aws.endpoints.get(ENDPOINT_NAME).instances, 3, 'the instances that autoscaling added stay');
  assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
});

test('the instance type can be changed, although SageMaker refuses that while autoscaling is on', async (t) => {
  const { aws, addModels, deploy } = await startSimulation(t);
  addModels(7);
  await deploy(7);

  await deploy(7, { instanceType: 'ml.c5.xlarge', minInstances: 2 });

  assert.equal(aws.endpoints.get(ENDPOINT_NAME).instances, 2);
  assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), { ...SCALING, min: 2 });
});

const ALARMING = { alarms: ['app-endpoint-errors'] } as const;
for (const { what, behavior, givesReasons = true, rollbackAlarms = ALARMS, reason } of [
  {
    what: 'for which an alarm goes off',
    behavior: ALARMING,
    reason: 'Alarm app-endpoint-errors is in state ALARM.*app-endpoint-errors, app-endpoint-latency',
  },
  {
    what: 'for which an alarm goes off, without a reason,',
    behavior: ALARMING,
    givesReasons: false,
    reason: 'gives no reason.*app-endpoint-errors, app-endpoint-latency',
  },
  {
    what: 'whose container does not get ready',
    behavior: { container: 'broken' },
    rollbackAlarms: [],
    reason: 'ping health check.*No alarm watches',
  },
] as const)
  test(`a model ${what} is rolled back: the job fails and leaves the old one as it was`, async (t) => {
    const { aws, models, addModels, tags, deploy } = await startSimulation(t);
    addModels(7);
    models.add(modelName(8), behavior);
    models.givesReasons = givesReasons;
    await deploy(7);

    await assert.rejects(
      deploy(8, { rollbackAlarms: [...rollbackAlarms] }),
      new RegExp(`version 8 was rolled back.*serves model version 7.*${reason}`),
    );

    assert.equal(aws.endpoints.answering(ENDPOINT_NAME), modelName(7));
    assert.equal(tags()['model-version'], '7');
    assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
  });

test('a job that is stopped scales the old model again and leaves the update to SageMaker', async (t) => {
  const { aws, addModels, deploy } = await startSimulation(t);
  addModels(7, 8);
  await deploy(7);
  const stop = new AbortController();
  const { onLine } = when('is Updating', () => stop.abort(new Error('stopped by hand')));

  await assert.rejects(deploy(8, {}, { signal: stop.signal, ...(onLine && { onLine }) }), /stopped by hand/);

  assert.equal(aws.endpoints.get(ENDPOINT_NAME).status, 'Updating');
  assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
  assert.match((await deploy(8)).summary, /already served model version 8/, 'the next run sees it through');
  assert.equal(aws.inputs('UpdateEndpoint').length, 1);
});

test('autoscaling that cannot be restored fails the job, which says that the model is served', async (t) => {
  const { aws, addModels, deploy } = await startSimulation(t, {
    statements: [
      { actions: ['sagemaker:*', 'cloudwatch:*', 'iam:*', 'application-autoscaling:D*'], resources: ['*'] },
    ],
  });
  addModels(7);
  await assert.rejects(
    deploy(7),
    /version 7 was rolled out\. The endpoint does not scale now \(.*RegisterScalableTarget.*DeployEndpoint step again/,
  );
  assert.equal(aws.endpoints.answering(ENDPOINT_NAME), modelName(7));
});

const WRONG_ANSWERS = [
  ['probabilities that do not sum to 1', { probabilities: [0.5, 0.75, 0.125] }, /sum to 1.375, not 1/],
  ['fewer probabilities than classes', { probabilities: [0.25, 0.75] }, /2 probabilities for 3 classes/],
  ['no classes', { classes: [] }, /classes/],
  ['a class twice', { classes: ['astilbe', 'bellflower', 'astilbe'] }, /names a class twice/],
  ['a label that is not the likeliest', { label: 'astilbe' }, /bellflower is likelier/],
  ['no version', { model_version: '' }, /model_version/],
  ['invalid JSON', '<html>busy</html>', /not valid JSON/],
] as const;

for (const [what, answer, reason] of WRONG_ANSWERS)
  test(`a model that answers with ${what} fails the job`, async (t) => {
    const { models, deploy } = await startSimulation(t);
    models.add(modelName(7), { answer });
    await assert.rejects(deploy(7), (error: Error) => {
      assert.match(error.message, /version 7 is on the endpoint image-classifier but fails the smoke test/);
      assert.match(error.message, reason);
      return true;
    });
  });

test('another model than the expected one fails the job', async (t) => {
  const { models, deploy } = await startSimulation(t);
  models.add(modelName(7));
  await assert.rejects(
    deploy(7, { expectedModelVersion: '20261101000000' }),
    /model flowers-7 answers, not 20261101000000.*Deploy another model/,
  );
});

test('after an update, a failed smoke test says how to restore the old model, and keeps its configuration', async (t) => {
  const { aws, models, deploy } = await startSimulation(t);
  models.add(modelName(7));
  models.add(modelName(8), { answer: { probabilities: [] } });
  await deploy(7);
  const old = configFor(7);
  await assert.rejects(
    deploy(8),
    new RegExp(`update-endpoint --endpoint-name ${ENDPOINT_NAME} --endpoint-config-name ${old}$`),
  );
  assert.ok(aws.configs.names.includes(old));
});

test('a model that is already served is tested all the same', async (t) => {
  const { models, deploy } = await startSimulation(t);
  models.add(modelName(7));
  await deploy(7);
  await assert.rejects(deploy(7, { expectedModelVersion: 'another' }), /fails the smoke test/);
});

test('an endpoint that does not answer fails the job', async (t) => {
  const { aws, models, deploy } = await startSimulation(t);
  models.add(modelName(7));
  aws.injectFault('InvokeEndpoint', 1);
  await assert.rejects(deploy(7), /does not answer: ThrottlingException/);
});

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

  test('contains the version, if it is one of this endpoint', () => {
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
