import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { deleteServing } from './endpoint-cleanup.ts';
import { AwsError, type Operations, QUICKLY, startAws } from './testing.ts';

const OURS = 'arn:aws:iam::123456789012:role/app-ml-serving-role';
const THEIRS = 'arn:aws:iam::123456789012:role/app-ml-serving-role-dev2';

const missing = (what: string): AwsError =>
  new AwsError('ValidationException', `Could not find ${what} "arn:aws:sagemaker:…".`);

/** SageMaker with an endpoint that goes through these states, one per look, until it is deleted. */
const sageMaker = (states: string[]) => {
  const endpoint = { states, exists: states.length > 0, deleting: 2 };
  const configurations = new Map([
    ['image-classifier-1', 'model-1'],
    ['image-classifier-2', 'model-2'],
    ['image-classifier-dev2-1', 'model-dev2'],
    ['our-image-classifier', 'model-other'],
  ]);
  const roles = new Map([
    ['model-1', OURS],
    ['model-2', OURS],
    ['model-dev2', THEIRS],
    ['model-other', THEIRS],
  ]);
  const operations: Operations = {
    DescribeEndpoint: () => {
      const [now = 'InService', ...later] = endpoint.states;
      if (now === 'Deleting' && endpoint.deleting-- === 0) endpoint.exists = false;
      if (!endpoint.exists) throw missing('endpoint');
      if (later.length > 0) endpoint.states = later;
      return { EndpointStatus: now, EndpointConfigName: 'image-classifier-2' };
    },
    DeleteEndpoint: () => {
      if (endpoint.states[0] !== 'InService')
        throw new AwsError('ValidationException', 'Cannot update in-progress endpoint');
      endpoint.states = ['Deleting'];
    },
    ListEndpointConfigs: (input) =>
      'NextToken' in input
        ? { EndpointConfigs: [{ EndpointConfigName: 'our-image-classifier' }] }
        : {
            EndpointConfigs: [...configurations.keys()]
              .filter((name) => name.startsWith(String(input['NameContains'])))
              .map((EndpointConfigName) => ({ EndpointConfigName })),
            NextToken: 'more',
          },
    DescribeEndpointConfig: (input) => ({
      ProductionVariants: [{ ModelName: configurations.get(String(input['EndpointConfigName'])) }],
    }),
    DeleteEndpointConfig: (input) => void configurations.delete(String(input['EndpointConfigName'])),
    DescribeModel: (input) => {
      const role = roles.get(String(input['ModelName']));
      if (role === undefined) throw missing('model');
      return { ExecutionRoleArn: role };
    },
    DeleteModel: (input) => void roles.delete(String(input['ModelName'])),
  };
  return { operations, configurations, roles };
};

const start = async (t: TestContext, operations: Operations) => {
  const { client, calls } = await startAws(t, operations);
  const reports: string[] = [];
  const run = () =>
    deleteServing(
      new SageMakerClient(client),
      { endpoint: 'image-classifier', servingRole: 'app-ml-serving-role' },
      QUICKLY,
      (status) => reports.push(status),
    );
  return { run, reports, called: () => calls.map(({ operation }) => operation) };
};

test('the endpoint goes first, then its configurations and models; those of other deployments stay', async (t) => {
  const { operations, configurations, roles } = sageMaker(['InService']);
  const { run, reports } = await start(t, operations);
  assert.deepEqual(await run(), [
    'endpoint image-classifier',
    'endpoint configuration image-classifier-1 with its models',
    'endpoint configuration image-classifier-2 with its models',
  ]);
  assert.deepEqual([...configurations.keys()], ['image-classifier-dev2-1', 'our-image-classifier']);
  assert.deepEqual([...roles.keys()], ['model-dev2', 'model-other']);
  assert.equal(reports.at(-1), 'endpoint image-classifier: deleted');
});

test('an endpoint in the middle of an update is deleted when the update has ended', async (t) => {
  const { operations } = sageMaker(['Updating', 'Updating', 'Updating', 'InService']);
  const { run, called } = await start(t, operations);
  const [first] = await run();
  assert.equal(first, 'endpoint image-classifier');
  assert.equal(called().filter((operation) => operation === 'DeleteEndpoint').length, 1);
});

test('without an endpoint there is nothing to wait for, and a second run finds nothing', async (t) => {
  const { operations } = sageMaker([]);
  const { run, called } = await start(t, operations);
  await run();
  assert.deepEqual(await run(), []);
  assert.ok(!called().includes('DeleteEndpoint'));
});
