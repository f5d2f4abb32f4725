import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settingsFor } from './testing.ts';
import { updatePolicy } from './update-policy.ts';

/** The policy, and its routing of traffic, for an endpoint of so many machines. */
const policyFor = (machines: number, overrides: Parameters<typeof settingsFor>[1] = {}) => {
  const policy = updatePolicy(settingsFor(7, { maxInstances: 40, ...overrides }), {
    desiredInstances: machines,
  });
  return {
    ...policy,
    blueGreen: policy.DeploymentConfig?.BlueGreenUpdatePolicy,
    routing: policy.DeploymentConfig?.BlueGreenUpdatePolicy?.TrafficRoutingConfiguration,
  };
};

test('one machine cannot be halved: all traffic goes at once, and the old machine is kept under the alarms', () => {
  const { routing, blueGreen } = policyFor(1);
  assert.deepEqual(routing, { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 0 });
  assert.equal(blueGreen?.TerminationWaitInSeconds, 300);
});

test('with more machines, the first step is one in ten of them, at least one, never more than half', () => {
  const sizes = [2, 3, 4, 10, 19, 40].map((machines) => policyFor(machines).routing?.CanarySize);
  assert.deepEqual(
    sizes.map((size) => size?.Value),
    [1, 1, 1, 1, 1, 4],
  );
  assert.ok(sizes.every((size) => size?.Type === 'INSTANCE_COUNT'));
});

test('a number of machines that is out of bounds is not kept', () => {
  assert.equal(policyFor(3).RetainAllVariantProperties, true);
  const tooFew = policyFor(1, { minInstances: 2 });
  assert.equal(tooFew.RetainAllVariantProperties, false);
  assert.equal(tooFew.routing?.CanarySize?.Value, 1, 'the new fleet has two');
  assert.equal(policyFor(41, { minInstances: 1 }).routing?.Type, 'ALL_AT_ONCE');
});

test('SageMaker has time for both watches, and rolls back on its own when there is no alarm', () => {
  assert.equal(policyFor(2, { bakingSeconds: 3600 }).blueGreen?.MaximumExecutionTimeoutInSeconds, 10_200);
  assert.equal(policyFor(2, { rollbackAlarms: [] }).DeploymentConfig?.AutoRollbackConfiguration, undefined);
});
