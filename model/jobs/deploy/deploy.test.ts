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
  TRIAL_NAME,
  when,
} from '../../../scripts/aws-double/simulated-deployment.ts';
import { configName, configVersion } from './endpoint-config.ts';

type Simulation = Awaited<ReturnType<typeof startSimulation>>;

test('the first deployment creates the endpoint; a second run leaves it in service and repairs what is missing', async (t) => {
  const { aws, answering, changes, tags, forgetTags, deploy } = await startSimulation(t);
  const { summary, ...first } = await deploy(7);
  const expected = { modelVersion: modelName(7), config: configFor(7) };
  assert.deepEqual(first, { kind: 'rolled out', ...expected });
  assert.match(summary, /now serves model version 7/);
  assert.equal(answering(), modelName(7));
  assert.equal(tags()['model-version'], '7');
  assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);

  const before = changes().length;
  aws.autoscaling.remove(ENDPOINT_NAME);
  forgetTags();
  const { summary: _, ...again } = await deploy(7);
  assert.deepEqual(again, { kind: 'unchanged', ...expected });
  assert.deepEqual(changes().slice(before), ['RegisterScalableTarget', 'PutScalingPolicy', 'AddTags']);
  assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
  assert.equal(tags()['model-version'], '7');
});

test('an update suspends autoscaling, shifts traffic in two steps under the alarms, and scales again', async (t) => {
  const { aws, changes, inputs, answering, deploy } = await startSimulation(t, { deployed: 7 });
  aws.endpoints.get(ENDPOINT_NAME).instances = 3;
  const created = changes().length;

  const result = await deploy(8);

  assert.match(result.summary, /now serves model version 8.*Before, it served model version 7/);
  assert.equal(answering(), modelName(8));
  assert.deepEqual(changes().slice(created), [
    'CreateEndpointConfig',
    'DeregisterScalableTarget',
    'UpdateEndpoint',
    'RegisterScalableTarget',
    'PutScalingPolicy',
    'AddTags',
  ]);
  assert.deepEqual(inputs('UpdateEndpoint'), [
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
  const { aws, deploy } = await startSimulation(t, { deployed: 7 });
  await deploy(7, { instanceType: 'ml.c5.xlarge', minInstances: 2 });
  assert.equal(aws.endpoints.get(ENDPOINT_NAME).instances, 2);
  assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), { ...SCALING, min: 2 });
});

const ALARMING = { alarms: ['app-endpoint-errors'] } as const;
const BAD = { answer: { probabilities: [] }, passesTrial: true };

test('a model that fails its smoke test on the endpoint is rolled back to the old one', async (t) => {
  const { aws, models, answering, tags, deploy } = await startSimulation(t, { deployed: 7 });
  models.add(modelName(8), BAD);
  // The way back waits for no alarm, which may be on because of the model.
  models.add(modelName(7), ALARMING);
  await assert.rejects(
    deploy(8),
    /version 8 on the endpoint image-classifier fails the smoke test: .*0 probabilities for 3 classes.* serves model version 7 .* again\.$/,
  );
  assert.equal(answering(), modelName(7));
  assert.ok(aws.configs.names.includes(configFor(7)));
  assert.equal(tags()['model-version'], '7');
  assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
});

test('a job that is stopped scales the old model again and leaves the update to SageMaker', async (t) => {
  const { aws, inputs, deploy } = await startSimulation(t, { deployed: 7 });
  const stop = new AbortController();
  const { onLine } = when('image-classifier is Updating', () => stop.abort(new Error('stopped by hand')));

  await assert.rejects(deploy(8, {}, { signal: stop.signal, ...(onLine && { onLine }) }), /stopped by hand/);

  assert.equal(aws.endpoints.get(ENDPOINT_NAME).status, 'Updating');
  assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
  assert.match((await deploy(8)).summary, /already served model version 8/, 'the next run sees it through');
  assert.equal(inputs('UpdateEndpoint').length, 1);
});

test('autoscaling that cannot be restored fails the job, which says that the model is served', async (t) => {
  const { answering, deploy } = await startSimulation(t, {
    statements: [
      { actions: ['sagemaker:*', 'cloudwatch:*', 'iam:*', 'application-autoscaling:D*'], resources: ['*'] },
    ],
  });
  await assert.rejects(
    deploy(7),
    /serves model version 7 .*The endpoint is not being scaled now \(.*RegisterScalableTarget.*DeployEndpoint step again/,
  );
  assert.equal(answering(), modelName(7));
});

describe('on trial', () => {
  for (const [what, behavior, reason] of [
    ['probabilities that do not sum to 1', { answer: { probabilities: [0.5, 0.75, 0.125] } }, /sum to 1.375/],
    ['too few probabilities', { answer: { probabilities: [0.25, 0.75] } }, /2 probabilities for 3 classes/],
    ['a class twice', { answer: { classes: ['rose', 'bellflower', 'rose'] } }, /names a class twice/],
    ['a label that is not the likeliest', { answer: { label: 'astilbe' } }, /bellflower is likelier/],
    ['invalid JSON', { answer: '<html>busy</html>' }, /not valid JSON/],
    ['nothing, as it does not get ready', { container: 'broken' }, /does not start: .*ping health check/],
  ] as const)
    test(`a model that answers with ${what} never answers a client`, async (t) => {
      const { aws, models, changes, answering, deploy } = await startSimulation(t, { deployed: 7 });
      models.add(modelName(8), behavior);
      const before = changes().length;
      await assert.rejects(
        deploy(8),
        ({ message }: Error) =>
          /^Model version 8 is not deployed: it fails the smoke test: /.test(message) && reason.test(message),
      );
      assert.deepEqual(changes().slice(before), ['CreateEndpointConfig']);
      assert.equal(answering(), modelName(7));
      assert.equal(aws.endpoints.answering(TRIAL_NAME), undefined, 'the trial costs nothing any more');
    });

  const wait = ({ clock }: Simulation) => clock.advance(11);
  const create = ({ aws }: Simulation) =>
    aws.endpoints.transition(TRIAL_NAME, 'Creating', { seconds: 500, next: 'gone' });
  for (const [what, left, prepare, first] of [
    ['a killed run has left it of the same model: it is used', 8, wait, /is Deleting/],
    ['a killed run has left another: it is deleted', 9, wait, /^Trying model version 8/],
    ['another run is at it: that is waited for', 9, create, /is Creating/],
  ] as const)
    test(what, async (t) => {
      const simulation = await startSimulation(t, { serving: 7, models: [7, 8, 9] });
      const { aws, addConfigs, answering, deploy, lines } = simulation;
      addConfigs(left);
      aws.endpoints.add(TRIAL_NAME, configFor(left));
      prepare(simulation);
      await deploy(8);
      assert.equal(answering(), modelName(8));
      assert.match(lines.find((line) => line.includes(TRIAL_NAME)) ?? '', first);
      assert.throws(() => aws.endpoints.get(TRIAL_NAME), /Could not find endpoint/);
    });

  test('a model that has been served gets no second trial, but a smoke test on the endpoint', async (t) => {
    const { aws, answering, deploy } = await startSimulation(t, { deployed: 7 });
    const before = aws.calls.length;
    await deploy(8, {}, { tried: true });
    assert.doesNotMatch(JSON.stringify(aws.calls.slice(before)), /-trial/);
    assert.equal(answering(), modelName(8));
  });
});

test('a model that is already served is tested too; an endpoint that does not answer fails the job', async (t) => {
  const { aws, models, deploy } = await startSimulation(t, { deployed: 7 });
  models.add(modelName(7), BAD);
  await assert.rejects(deploy(7), /smoke test.*Deploy another model/);
  aws.injectFault('InvokeEndpoint', 1);
  await assert.rejects(deploy(7), /does not answer: ThrottlingException/);
});

test("a configuration's name differs between models and instances, and is not too long", () => {
  const names = [
    settingsFor(7, { maxInstances: 9, rollbackAlarms: [], pollSeconds: 1 }),
    settingsFor(8),
    settingsFor(7, { modelName: 'flowers-7-again' }),
    settingsFor(7, { instanceType: 'ml.c5.large' }),
    settingsFor(7, { minInstances: 2 }),
  ].map(configName);
  assert.equal(names[0], configFor(7));
  assert.equal(new Set(names).size, 5);
  const long = { endpointName: 'x'.repeat(43), modelPackage: { arn: '', version: 1234567890 } };
  assert.equal(configName(settingsFor(7, long)).length, 63);
});

test('the version of a configuration is in its name, if it belongs to this endpoint', () => {
  for (const [config, version] of [
    ['image-classifier-12-0123abcd', 12],
    ['image-classifier-2-12-0123abcd', undefined],
    ['image-classifier-12', undefined],
  ] as const)
    assert.equal(configVersion(config, 'image-classifier'), version, config);
});

describe('old configurations', () => {
  /** Models 3 to 9, of which 5 is served; 3 to 6 have configurations, for long. */
  const startWithHistory = async (t: TestContext, options?: SimulationOptions) => {
    const simulation = await startSimulation(t, { models: [3, 4, 5, 6, 7, 8, 9], serving: 5, ...options });
    simulation.addConfigs(3, 4, 6);
    simulation.clock.advance(600);
    return simulation;
  };

  const addLongAgo = (names: readonly string[]) => (simulation: Simulation) => {
    for (const name of names) simulation.addConfig(name, modelName(3));
    simulation.clock.advance(600);
  };
  const MANY = Array.from({ length: 25 }, (_, count) => `${ENDPOINT_NAME}-2-000000${count + 10}`);
  const OTHERS = [
    'image-classifier-by-hand',
    'image-classifier-2-3-0123abcd',
    'my-image-classifier-3-0123abcd',
  ];
  /** Another run goes back to one as soon as the first was deleted. */
  const goBack = ({ aws }: Simulation) => {
    aws.afterCall = (operation) => {
      if (operation !== 'DeleteEndpointConfig') return;
      aws.afterCall = () => undefined;
      const change = { seconds: 900, next: 'InService', pending: configFor(4) } as const;
      aws.endpoints.transition(ENDPOINT_NAME, 'Updating', change);
    };
  };
  const renew = ({ aws }: Simulation) =>
    aws.endpoints.transition(ENDPOINT_NAME, 'Deleting', { seconds: 60, next: 'gone' });

  for (const [what, prepare, versions, others] of [
    ['go after a rollout, however many, except what was served before', addLongAgo(MANY), [5, 8], []],
    ['stay when this job has not created them for this endpoint', addLongAgo(OTHERS), [5, 8], OTHERS],
    ['stay when another run may have just created them', (s: Simulation) => s.addConfigs(9), [5, 8, 9], []],
    ['stay when another run goes back to them meanwhile', goBack, [4, 5, 8], []],
    ['stay, one of them, when the endpoint is a new one', renew, [5, 8], []],
  ] as const)
    test(what, async (t) => {
      const simulation = await startWithHistory(t);
      prepare(simulation);
      await simulation.deploy(8);
      assert.deepEqual(simulation.aws.configs.names, [...versions.map(configFor), ...others].sort());
    });

  test('that cannot be deleted do not fail a deployment', async (t) => {
    const { deploy, lines } = await startWithHistory(t, {
      statements: [
        { actions: ['sagemaker:C*', 'sagemaker:D*Endpoint'], resources: ['*'] },
        { actions: ['sagemaker:*Tags', 'sagemaker:*e*Endpoint', 'sagemaker:List*'], resources: ['*'] },
        { actions: ['application-autoscaling:*', 'cloudwatch:*', 'iam:*'], resources: ['*'] },
      ],
    });
    assert.equal((await deploy(8)).kind, 'rolled out');
    assert.match(lines.at(-1) ?? '', /left over: .*not authorized.*sagemaker:DeleteEndpointConfig/);
  });
});
