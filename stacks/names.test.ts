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
  assert.equal(vpc, 'app-vpc');
  assert.equal(cluster, 'AppEcsCluster');

  assert.equal(web.repository, 'app-web');
  assert.equal(web.loadBalancerSecurityGroup, 'app-web-alb-sg');
  assert.equal(web.securityGroup, 'app-web-sg');
  assert.equal(web.loadBalancer, 'app-web-alb');
  assert.equal(web.targetGroup, 'app-web-alb-tg');
  assert.equal(web.taskDefinition, 'app-web-td');
  assert.equal(web.image, 'app-web');
  assert.equal(web.service, 'app-web-service');
  assert.equal(web.scalingPolicy, 'app-web-asg-policy');

  assert.equal(was.repository, 'app-was');
  assert.equal(was.loadBalancerSecurityGroup, 'app-was-alb-sg');
  assert.equal(was.securityGroup, 'app-was-sg');
  assert.equal(was.loadBalancer, 'app-was-alb');
  assert.equal(was.targetGroup, 'app-was-alb-tg');
  assert.equal(was.taskRole, 'ecsWasTaskRole');
  assert.equal(was.invokePolicy, 'InvokeSageMakerEndpoint');
  assert.equal(was.taskDefinition, 'app-was-td');
  assert.equal(was.image, 'app-was');
  assert.equal(was.service, 'app-was-service');
  assert.equal(was.scalingPolicy, 'app-was-asg-policy');

  assert.equal(web.delivery.source, 'app-web');
  assert.equal(was.delivery.source, 'app-was');
  assert.equal(web.delivery.build, 'appWebBuild');
  assert.equal(was.delivery.build, 'appWasBuild');
  assert.equal(web.delivery.pipeline, 'app-web-pipeline');
  assert.equal(was.delivery.pipeline, 'app-was-pipeline');

  assert.equal(buckets.dataset, 'app-ml-dataset-garden');
  assert.equal(learning.studio, 'app-sagemaker-studio');
  assert.equal(learning.pipelines.train, 'AppMlPipeline-Train');
  assert.equal(learning.pipelines.model, 'AppMlPipeline-Model');
  assert.equal(learning.pipelines.deploy, 'AppMlPipeline-Deploy');
  assert.equal(learning.trainingJob, 'app-flower-classifier');
  assert.equal(learning.endpoint, 'image-classifier');
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

test('no name of a load balancer or target group is longer than 32 characters', () => {
  for (const { loadBalancer, targetGroup } of [LONGEST.web, LONGEST.was])
    for (const name of [loadBalancer, targetGroup]) assert.ok(name.length <= 32, name);
});

test("no bucket's name is longer than 63 characters, or has one that S3 refuses", () => {
  for (const [, name] of nameEntries(LONGEST.buckets)) {
    assert.ok(name.length <= 63, name);
    assert.match(name, /^[a-z0-9][a-z0-9-]+[a-z0-9]$/);
  }
});

test("no IAM role's name is longer than 64 characters", () => {
  const roles = nameEntries(LONGEST).filter(([key]) => key.endsWith('Role'));
  assert.equal(roles.length, 4 + 9 + 5);
  for (const [, name] of roles) assert.ok(name.length <= 64, name);
});

test('no name of SageMaker, CodeBuild or ECS is longer than 63 characters', () => {
  const others = nameEntries(LONGEST).filter(([key]) => !key.endsWith('LogGroup') && key !== 'logGroup');
  for (const [key, name] of others) assert.ok(name.length <= 63, `${key}: ${name}`);
});
