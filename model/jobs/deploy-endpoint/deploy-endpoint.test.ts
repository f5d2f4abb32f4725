import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configName } from './endpoint-config.ts';
import { ALARMS, ENDPOINT, modelOf, settingsFor, startWorld } from './testing.ts';

const SCALING = { min: 1, max: 4, policies: [`${ENDPOINT}-invocations`] };

test('the first deployment creates the endpoint, with autoscaling and the version on it', async (t) => {
  const { plane, deploy } = await startWorld(t);
  plane.models.add(modelOf(7));

  const result = await deploy(7, { expectedModelVersion: modelOf(7) });

  assert.equal(result.kind, 'rolled out');
  assert.equal(result.modelVersion, modelOf(7));
  assert.equal(result.config, configName(settingsFor(7)));
  assert.match(result.summary, /now serves model version 7/);
  assert.equal(plane.endpoints.answering(ENDPOINT), modelOf(7));
  assert.equal(plane.endpoints.tags(ENDPOINT)['model-version'], '7');
  assert.deepEqual(plane.scaling.of(ENDPOINT), SCALING);
});

test('a second run with the same model changes nothing', async (t) => {
  const { plane, deploy } = await startWorld(t);
  plane.models.add(modelOf(7));
  await deploy(7);
  const before = plane.changes;

  const again = await deploy(7);

  assert.equal(again.kind, 'unchanged');
  assert.equal(again.modelVersion, modelOf(7));
  assert.deepEqual(plane.changes, before);
});

test('a run repairs what an earlier one left undone', async (t) => {
  const { plane, deploy } = await startWorld(t);
  plane.models.add(modelOf(7));
  await deploy(7);
  plane.scaling.drop(ENDPOINT);
  plane.endpoints.get(ENDPOINT).tags.clear();

  assert.equal((await deploy(7)).kind, 'unchanged');

  assert.deepEqual(plane.scaling.of(ENDPOINT), SCALING);
  assert.equal(plane.endpoints.tags(ENDPOINT)['model-version'], '7');
});

test('an update suspends autoscaling, shifts traffic in two steps under the alarms, and scales again', async (t) => {
  const { plane, deploy } = await startWorld(t);
  for (const version of [7, 8]) plane.models.add(modelOf(version));
  await deploy(7);
  plane.endpoints.scaleTo(ENDPOINT, 3);
  const created = plane.changes.length;

  const result = await deploy(8);

  assert.match(result.summary, /now serves model version 8.*Before, it served model version 7/);
  assert.equal(plane.endpoints.answering(ENDPOINT), modelOf(8));
  assert.deepEqual(plane.changes.slice(created), [
    'CreateEndpointConfig',
    'DeregisterScalableTarget',
    'UpdateEndpoint',
    'RegisterScalableTarget',
    'PutScalingPolicy',
    'AddTags',
  ]);
  assert.deepEqual(plane.inputs('UpdateEndpoint'), [
    {
      EndpointName: ENDPOINT,
      EndpointConfigName: configName(settingsFor(8)),
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
  assert.equal(plane.endpoints.get(ENDPOINT).instances, 3, 'the machines that autoscaling added stay');
  assert.deepEqual(plane.scaling.of(ENDPOINT), SCALING);
});

test('the type of machine can be changed, although SageMaker refuses that while autoscaling is on', async (t) => {
  const { plane, deploy } = await startWorld(t);
  plane.models.add(modelOf(7));
  await deploy(7);

  await deploy(7, { instanceType: 'ml.c5.xlarge', minInstances: 2 });

  assert.equal(plane.endpoints.get(ENDPOINT).instances, 2);
  assert.deepEqual(plane.scaling.of(ENDPOINT), { ...SCALING, min: 2 });
});

for (const givesReasons of [true, false])
  test(`a model that an alarm takes back fails the job and leaves the old one as it was (${givesReasons ? 'with' : 'without'} a reason)`, async (t) => {
    const { plane, deploy } = await startWorld(t);
    plane.models.add(modelOf(7));
    plane.models.add(modelOf(8), { alarms: ['app-endpoint-errors'] });
    plane.endpoints.givesReasons = givesReasons;
    await deploy(7);

    const reason = givesReasons ? 'Alarm app-endpoint-errors is in state ALARM' : 'gives no reason';
    await assert.rejects(
      deploy(8),
      new RegExp(
        `version 8 was taken back.*serves model version 7.*${reason}.*app-endpoint-errors, app-endpoint-latency`,
      ),
    );

    assert.equal(plane.endpoints.answering(ENDPOINT), modelOf(7));
    assert.equal(plane.endpoints.tags(ENDPOINT)['model-version'], '7');
    assert.deepEqual(plane.scaling.of(ENDPOINT), SCALING);
  });

test('a model whose container does not get ready is taken back too', async (t) => {
  const { plane, deploy } = await startWorld(t);
  plane.models.add(modelOf(7));
  plane.models.add(modelOf(8), { container: 'broken' });
  await deploy(7);
  await assert.rejects(deploy(8, { rollbackAlarms: [] }), /taken back.*ping health check.*No alarm watches/);
  assert.equal(plane.endpoints.answering(ENDPOINT), modelOf(7));
});

test('a job that is stopped scales the old model again and leaves the update to SageMaker', async (t) => {
  const { plane, deploy } = await startWorld(t);
  for (const version of [7, 8]) plane.models.add(modelOf(version));
  await deploy(7);
  const stop = new AbortController();
  const onLine = (line: string) => {
    if (line.includes('is Updating')) stop.abort(new Error('stopped by hand'));
  };

  await assert.rejects(deploy(8, {}, { signal: stop.signal, onLine }), /stopped by hand/);

  assert.equal(plane.endpoints.get(ENDPOINT).status, 'Updating');
  assert.deepEqual(plane.scaling.of(ENDPOINT), SCALING);
  assert.equal((await deploy(8)).kind, 'rolled out', 'the next run sees it through');
  assert.equal(plane.inputs('UpdateEndpoint').length, 1);
});

test('autoscaling that cannot be restored fails the job, which says that the model is served', async (t) => {
  const { plane, deploy } = await startWorld(t, {
    statements: [
      { actions: ['sagemaker:*', 'cloudwatch:*', 'iam:*', 'application-autoscaling:D*'], resources: ['*'] },
    ],
  });
  plane.models.add(modelOf(7));
  await assert.rejects(
    deploy(7),
    /version 7 was rolled out\. The endpoint does not scale now \(.*RegisterScalableTarget.*DeployEndpoint step again/,
  );
  assert.equal(plane.endpoints.answering(ENDPOINT), modelOf(7));
});
