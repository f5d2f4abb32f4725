import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ECSClient, type TaskDefinition } from '@aws-sdk/client-ecs';
import { z } from 'zod';
import { type Operations, startFakeAws } from './fake-aws.ts';
import { containerImage, rollOut, sameSettings, settingsWithImage } from './rollout.ts';

const definition = (
  revision: number,
  image: string,
  change: Partial<TaskDefinition> = {},
): TaskDefinition => ({
  taskDefinitionArn: `arn:aws:ecs:ap-northeast-2:1:task-definition/app-was-td:${revision}`,
  revision,
  status: 'ACTIVE',
  registeredAt: new Date(revision),
  registeredBy: `arn:aws:iam::1:role/${revision}`,
  requiresAttributes: [{ name: `attribute-${revision}` }],
  compatibilities: ['EC2', 'FARGATE'],
  family: 'app-was-td',
  cpu: '512',
  memory: '1024',
  containerDefinitions: [
    {
      name: 'app-was',
      image,
      environment: [
        { name: 'A', value: '1' },
        { name: 'B', value: '2' },
      ],
      mountPoints: [],
    },
    { name: 'log', image: 'log:1' },
  ],
  volumes: [],
  ...change,
});

test('revisions that differ in the image and in what ECS adds have the same settings', () => {
  assert.ok(sameSettings(definition(1, 'app-was:initial'), definition(7, 'app-was:abc'), 'app-was'));
});

test('the order of variables and empty lists are not settings', () => {
  const [app, log] = definition(1, 'x').containerDefinitions ?? [];
  const shuffled = [{ ...log }, { ...app, environment: [...(app?.environment ?? [])].reverse() }];
  for (const { mountPoints: _, ...rest } of [shuffled[1] ?? {}]) shuffled[1] = rest;
  const other = definition(2, 'y', { containerDefinitions: shuffled });
  delete other.volumes;
  assert.ok(sameSettings(definition(1, 'x'), other, 'app-was'));
});

test('memory, a variable, and the image of another container are settings', () => {
  const before = definition(1, 'x');
  const [app, log] = before.containerDefinitions ?? [];
  for (const change of [
    { memory: '2048' },
    { containerDefinitions: [{ ...app, environment: [{ name: 'A', value: '2' }] }, { ...log }] },
    { containerDefinitions: [{ ...app }, { ...log, image: 'log:2' }] },
    { containerDefinitions: [{ ...app }] },
  ])
    assert.equal(sameSettings(before, definition(2, 'x', change), 'app-was'), false, JSON.stringify(change));
});

test('a definition with another image keeps its settings and the images of other containers', () => {
  const settings = settingsWithImage(
    definition(3, 'app-was:initial', { memory: '2048' }),
    'app-was',
    'app-was:abc',
  );
  assert.deepEqual(
    settings.containerDefinitions?.map(({ image }) => image),
    ['app-was:abc', 'log:1'],
  );
  assert.equal(settings.memory, '2048');
  assert.equal(containerImage(definition(3, 'app-was:initial'), 'app-was'), 'app-was:initial');
});

test('what ECS adds on registering is not registered again', () => {
  assert.deepEqual(Object.keys(settingsWithImage(definition(3, 'x'), 'app-was', 'x')).sort(), [
    'containerDefinitions',
    'cpu',
    'family',
    'memory',
    'volumes',
  ]);
});

interface Revision {
  memory: string;
  image: string;
  tags?: object[];
}

const INITIAL: Revision = { memory: '1024', image: 'app-was:initial' };
/** What its pipeline has built since. */
const BUILT: Revision = { memory: '1024', image: 'app-was:abc' };

const ARN = 'arn:aws:ecs:ap-northeast-2:123456789012:task-definition/app-was-td:';
const arnInput = z.object({ taskDefinition: z.string() });
const registerInput = z.object({
  memory: z.string(),
  containerDefinitions: z.array(z.object({ name: z.string(), image: z.string() })),
  tags: z.array(z.looseObject({})).optional(),
});

/** Seconds as the JSON protocol writes a time. */
const seconds = (iso: string): number => Date.parse(iso) / 1000;

type Progress = 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';

/** ECS with one service; a deployment goes through the given states, one per look. */
const ecs = (revisions: Revision[], running: number, progress: Progress[] = ['IN_PROGRESS', 'COMPLETED']) => {
  const describe = (number: number) => {
    const { memory, image } = revisions[number - 1] ?? { memory: '', image: '' };
    return {
      taskDefinitionArn: ARN + number,
      revision: number,
      family: 'app-was-td',
      memory,
      containerDefinitions: [{ name: 'app-was', image }],
      registeredAt: seconds('2026-01-01T00:00:00Z') + number,
    };
  };
  const revisionOf = (input: object) => Number(arnInput.parse(input).taskDefinition.slice(ARN.length));
  let current = running;
  let states: Progress[] = ['COMPLETED'];
  const service = () => {
    const [state = 'COMPLETED', ...later] = states;
    if (later.length > 0) states = later;
    return {
      serviceName: 'app-was-service',
      status: 'ACTIVE',
      taskDefinition: ARN + current,
      deployments: [
        {
          id: `ecs-svc/${current}`,
          status: 'PRIMARY',
          taskDefinition: ARN + current,
          rolloutState: state,
          rolloutStateReason:
            state === 'FAILED' ? 'ECS deployment circuit breaker: tasks failed to start.' : '',
          runningCount: 1,
          desiredCount: 2,
          createdAt: seconds('2026-01-02T00:00:00Z'),
        },
      ],
      events: [
        { id: '2', createdAt: seconds('2026-01-02T00:00:01Z'), message: 'unable to place a task' },
        { id: '1', createdAt: seconds('2026-01-01T00:00:01Z'), message: 'has reached a steady state' },
      ],
    };
  };
  const operations: Operations = {
    DescribeServices: () => ({ services: [service()] }),
    DescribeTaskDefinition: (input) => ({
      taskDefinition: describe(revisionOf(input)),
      tags: revisions[revisionOf(input) - 1]?.tags,
    }),
    RegisterTaskDefinition: (input) => {
      const { memory, containerDefinitions } = registerInput.parse(input);
      revisions.push({ memory, image: containerDefinitions[0]?.image ?? '' });
      return { taskDefinition: describe(revisions.length) };
    },
    UpdateService: (input) => {
      current = revisionOf(input);
      states = progress;
      return { service: service() };
    },
  };
  return { operations, startIn: (first: Progress[]) => (states = first) };
};

const target = (revision: number) => ({
  cluster: 'AppEcsCluster',
  service: 'app-was-service',
  taskDefinition: ARN + revision,
  container: 'app-was',
});

const start = async (t: TestContext, operations: Operations) => {
  const aws = await startFakeAws(t, operations);
  const client = new ECSClient(aws.client);
  return { ...aws, rollOut: (revision: number) => rollOut(client, target(revision), aws.waiting) };
};

test('a service that runs Terraform’s revision is left alone', async (t) => {
  const { operations } = ecs([INITIAL], 1);
  const aws = await start(t, operations);
  assert.equal(await aws.rollOut(1), undefined);
  assert.deepEqual(aws.called(), ['DescribeServices']);
});

test('a revision of the pipeline with the same settings is left alone', async (t) => {
  const { operations } = ecs([INITIAL, BUILT], 2);
  const aws = await start(t, operations);
  assert.equal(await aws.rollOut(1), undefined);
  assert.ok(!aws.called().includes('RegisterTaskDefinition'));
});

test('changed settings reach the service with the image that it runs', async (t) => {
  const { operations } = ecs(
    [
      INITIAL,
      BUILT,
      { memory: '2048', image: 'app-was:initial', tags: [{ key: 'environment', value: 'dev' }] },
    ],
    2,
  );
  const aws = await start(t, operations);
  assert.equal(await aws.rollOut(3), `${ARN}4`);
  const registered = registerInput.parse(aws.inputs('RegisterTaskDefinition')[0]);
  assert.equal(registered.memory, '2048');
  assert.equal(registered.containerDefinitions[0]?.image, 'app-was:abc');
  assert.deepEqual(registered.tags, [{ key: 'environment', value: 'dev' }]);
  assert.equal(arnInput.parse(aws.inputs('UpdateService')[0]).taskDefinition, `${ARN}4`);
  assert.deepEqual(new Set(aws.reports), new Set(['app-was-service: 1 of 2 tasks']));
  assert.equal(await aws.rollOut(3), undefined, 'a second run has nothing to do');
});

test('a deployment that ECS gives up is an error with its reason and the events since', async (t) => {
  const { operations } = ecs([BUILT, { memory: '512', image: 'app-was:initial' }], 1, [
    'IN_PROGRESS',
    'IN_PROGRESS',
    'FAILED',
  ]);
  const aws = await start(t, operations);
  await assert.rejects(aws.rollOut(2), (error: Error) => {
    assert.match(error.message, /ECS gave the deployment up.*circuit breaker[\s\S]*unable to place a task/);
    assert.doesNotMatch(error.message, /steady state/);
    return true;
  });
});

test('a service that is still starting is waited for', async (t) => {
  const { operations, startIn } = ecs([INITIAL], 1);
  startIn(['IN_PROGRESS', 'IN_PROGRESS', 'COMPLETED']);
  const aws = await start(t, operations);
  assert.equal(await aws.rollOut(1), undefined);
  assert.deepEqual(aws.called(), ['DescribeServices', 'DescribeServices', 'DescribeServices']);
});

test('a service that could not start gets another try with the same revision', async (t) => {
  const { operations, startIn } = ecs([INITIAL], 1);
  startIn(['FAILED']);
  const aws = await start(t, operations);
  assert.equal(await aws.rollOut(1), `${ARN}1`);
  assert.equal(aws.inputs('UpdateService')[0]?.['forceNewDeployment'], true);
  assert.ok(!aws.called().includes('RegisterTaskDefinition'));
});

test('a service that is not there is an error that says how to make it', async (t) => {
  const aws = await start(t, {
    DescribeServices: () => ({ services: [], failures: [{ reason: 'MISSING' }] }),
  });
  await assert.rejects(aws.rollOut(1), /app-was-service is not there.*npm run deploy/);
});
