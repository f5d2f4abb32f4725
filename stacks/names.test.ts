import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfiguration } from './config/load.ts';
import { type Names, resourceNames } from './names.ts';

const named = (env: NodeJS.ProcessEnv = {}): Names => resourceNames(loadConfiguration({ context: {}, env }));

/** The longest names that the configuration allows. */
const LONGEST = named({
  BLOOMSTACK_NAME_PREFIX: 'abcdefghij',
  BLOOMSTACK_NAME_SUFFIX: 'klmnop',
  BLOOMSTACK_BUCKET_SUFFIX: 'q'.repeat(30),
});

const nameEntries = (tree: object): readonly (readonly [string, string])[] =>
  Object.entries(tree).flatMap(([key, value]) => {
    if (typeof value === 'string') return [[key, value] as const];
    return typeof value === 'object' && value !== null ? nameEntries(value) : [];
  });

test("with the defaults the names are those of the architecture's description", () => {
  const { vpc, cluster, web, was, learning, buckets } = named({ BLOOMSTACK_BUCKET_SUFFIX: 'garden' });
  assert.deepEqual([vpc, cluster], ['app-vpc', 'AppEcsCluster']);
  for (const [key, service] of Object.entries({ web, was })) {
    const { repository, image, securityGroup, loadBalancer, loadBalancerSecurityGroup, ...names } = service;
    assert.deepEqual([repository, image, securityGroup], [`app-${key}`, `app-${key}`, `app-${key}-sg`]);
    assert.deepEqual([loadBalancer, loadBalancerSecurityGroup], [`app-${key}-alb`, `app-${key}-alb-sg`]);
    assert.deepEqual(
      [names.targetGroup, names.taskDefinition, names.service, names.scalingPolicy],
      [`app-${key}-alb-tg`, `app-${key}-td`, `app-${key}-service`, `app-${key}-asg-policy`],
    );
    assert.deepEqual([names.delivery.source, names.delivery.pipeline], [`app-${key}`, `app-${key}-pipeline`]);
  }
  assert.deepEqual([was.taskRole, was.invokePolicy], ['ecsWasTaskRole', 'InvokeSageMakerEndpoint']);
  assert.deepEqual([web.delivery.build, was.delivery.build], ['appWebBuild', 'appWasBuild']);
  assert.equal(buckets.dataset, 'app-ml-dataset-garden');
  assert.deepEqual(Object.values(learning.pipelines), [
    'AppMlPipeline-Train',
    'AppMlPipeline-Model',
    'AppMlPipeline-Deploy',
  ]);
  assert.deepEqual(
    [learning.studio, learning.trainingJob, learning.endpoint],
    ['app-sagemaker-studio', 'app-flower-classifier', 'image-classifier'],
  );
});

test("without a suffix of their own the buckets' names end with the account", () => {
  assert.equal(named({ BLOOMSTACK_ACCOUNT: '012345678901' }).buckets.dataset, 'app-ml-dataset-012345678901');
});

test('a suffix makes every name of a deployment its own', () => {
  // The container's name within the task is not the name of a resource.
  const ownNames = (names: Names) =>
    nameEntries(names).flatMap(([key, name]) => (key === 'image' ? [] : name));
  const taken = new Set(ownNames(named()));
  for (const name of ownNames(named({ BLOOMSTACK_NAME_SUFFIX: 'two' })))
    assert.ok(!taken.has(name), `${name} is taken`);
});

/** The longest name that AWS takes, by what the names' keys in our tree say of their kind; the first that fits counts. */
const LIMITS: readonly (readonly [key: RegExp, longest: number])[] = [
  [/^(loadBalancer|targetGroup)$/, 32],
  [/LogGroup$|^logGroup$/, 512],
  [/Role$/, 64],
  [/./, 63],
];

test('no name is longer than AWS takes, nor has a bucket one that S3 refuses', () => {
  for (const [key, name] of nameEntries(LONGEST)) {
    const [, longest = 0] = LIMITS.find(([kind]) => kind.test(key)) ?? [];
    assert.ok(name.length <= longest, `${key}: ${name}`);
  }
  for (const [, name] of nameEntries(LONGEST.buckets)) assert.match(name, /^[a-z0-9][a-z0-9-]+[a-z0-9]$/);
});
