import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ECSClient } from '@aws-sdk/client-ecs';
import { z } from 'zod';
import { type Operations, startFakeAws } from './fake-aws.ts';
import { rollOutSettings } from './rollout.ts';

const ARN = 'arn:aws:ecs:ap-northeast-2:123456789012:task-definition/app-was-td:';
const ENVIRONMENT = [
  { name: 'A', value: '1' },
  { name: 'B', value: '2' },
];
const app = { name: 'app-was', image: 'app-was:initial', environment: ENVIRONMENT, mountPoints: [{}] };
const log = { name: 'log', image: 'log:1' };
/** What Terraform has registered first, and the same with what its pipeline has built since. */
const INITIAL = { memory: '1024', containerDefinitions: [app, log], volumes: [] };
const built = { ...app, image: 'app-was:abc' };
const BUILT = { ...INITIAL, containerDefinitions: [built, log] };

type Progress = 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';
const arnInput = z.object({ taskDefinition: z.string() });

interface Service {
  /** Settings by revision, from 1. */
  readonly revisions: object[];
  readonly running: number;
  /** The states of its deployment, one per look. @default - it is completed */
  readonly states?: Progress[];
  /** Those of the next one. */
  readonly next?: Progress[];
}

const ecs = ({
  revisions,
  running,
  states = ['COMPLETED'],
  next = ['IN_PROGRESS', 'COMPLETED'],
}: Service) => {
  let [current, progress] = [running, states];
  const describe = (revision: number) => ({
    ...revisions[revision - 1],
    taskDefinitionArn: ARN + revision,
    revision,
    family: 'app-was-td',
    registeredAt: revision,
    requiresAttributes: [{ name: `attribute-${revision}` }],
  });
  const revisionOf = (input: object) => Number(arnInput.parse(input).taskDefinition.slice(ARN.length));
  const service = () => {
    const [rolloutState = 'COMPLETED', ...later] = progress;
    if (later.length > 0) progress = later;
    const deployment = {
      id: `ecs-svc/${current}`,
      status: 'PRIMARY',
      rolloutState,
      rolloutStateReason: 'ECS deployment circuit breaker: tasks failed to start.',
      runningCount: 1,
      desiredCount: 2,
      createdAt: 100,
    };
    return {
      serviceName: 'app-was-service',
      status: 'ACTIVE',
      taskDefinition: ARN + current,
      deployments: [deployment],
      events: [
        { id: '2', createdAt: 101, message: 'unable to place a task' },
        { id: '1', createdAt: 99, message: 'has reached a steady state' },
      ],
    };
  };
  const operations: Operations = {
    DescribeServices: () => ({ services: [service()] }),
    DescribeTaskDefinition: (input) => ({
      taskDefinition: describe(revisionOf(input)),
      tags: [{ key: 'environment', value: 'dev' }],
    }),
    RegisterTaskDefinition: (input) => {
      revisions.push(input);
      return { taskDefinition: describe(revisions.length) };
    },
    UpdateService: (input) => {
      [current, progress] = [revisionOf(input), next];
      return { service: service() };
    },
  };
  return operations;
};

/** Rolls out Terraform's revision, the last one. */
const start = async (t: TestContext, service: Service) => {
  const aws = await startFakeAws(t, ecs({ ...service, revisions: [...service.revisions] }));
  const target = {
    cluster: 'AppEcsCluster',
    service: 'app-was-service',
    taskDefinition: ARN + service.revisions.length,
    container: 'app-was',
  };
  return { ...aws, rollOut: () => rollOutSettings(new ECSClient(aws.client), target, aws.waiting) };
};

const shuffled = { ...app, environment: [...ENVIRONMENT].reverse() };
const { volumes: _, ...withoutVolumes } = INITIAL;

for (const [title, service] of [
  ["it runs Terraform's revision", { revisions: [INITIAL], running: 1 }],
  ['its pipeline has built another image', { revisions: [BUILT, INITIAL], running: 1 }],
  [
    'order and empty lists are no settings',
    { revisions: [BUILT, { ...withoutVolumes, containerDefinitions: [log, shuffled] }], running: 1 },
  ],
  ['it is still starting', { revisions: [INITIAL], running: 1, states: ['IN_PROGRESS', 'COMPLETED'] }],
] satisfies [string, Service][])
  test(`a service is left alone: ${title}`, async (t) => {
    const aws = await start(t, service);
    assert.equal(await aws.rollOut(), undefined);
    assert.ok(!aws.called().some((operation) => /^(Register|Update)/.test(operation)));
    const isStarting = 'states' in service;
    assert.equal(aws.reports.length > 0, isStarting);
  });

for (const [title, change] of [
  ['memory', { memory: '2048' }],
  ['a variable', { containerDefinitions: [{ ...app, environment: [{ name: 'A', value: '2' }] }, log] }],
] satisfies [string, object][])
  test(`changed settings reach the service with the image that it runs: ${title}`, async (t) => {
    const changed = { ...INITIAL, ...change };
    const aws = await start(t, { revisions: [INITIAL, BUILT, changed], running: 2 });
    assert.equal(await aws.rollOut(), `${ARN}4`);
    const [first, ...others] = changed.containerDefinitions;
    assert.deepEqual(aws.inputs('RegisterTaskDefinition'), [
      {
        ...changed,
        family: 'app-was-td',
        containerDefinitions: [{ ...first, image: 'app-was:abc' }, ...others],
        tags: [{ key: 'environment', value: 'dev' }],
      },
    ]);
    assert.equal(arnInput.parse(aws.inputs('UpdateService')[0]).taskDefinition, `${ARN}4`);
    assert.deepEqual(new Set(aws.reports), new Set(['app-was-service: 1 of 2 tasks']));
    assert.equal(await aws.rollOut(), undefined, 'a second run has nothing to do');
  });

test('a deployment that ECS abandons is an error with the reason and the events since', async (t) => {
  const revisions = [BUILT, { ...INITIAL, memory: '512' }];
  const aws = await start(t, { revisions, running: 1, next: ['IN_PROGRESS', 'FAILED'] });
  await assert.rejects(
    aws.rollOut(),
    /^Error: (?!.*steady state).*ECS gave up the deployment.*circuit breaker.*unable to place a task/s,
  );
});

test('a service that could not start gets another try with the same revision', async (t) => {
  const aws = await start(t, { revisions: [INITIAL], running: 1, states: ['FAILED'] });
  assert.equal(await aws.rollOut(), `${ARN}1`);
  assert.equal(aws.inputs('UpdateService')[0]?.['forceNewDeployment'], true);
  assert.ok(!aws.called().includes('RegisterTaskDefinition'));
});
