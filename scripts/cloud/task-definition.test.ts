import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TaskDefinition } from '@aws-sdk/client-ecs';
import { imageOf, sameSettings, settingsOf, withImage } from './task-definition.ts';

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
  const settings = withImage(definition(3, 'app-was:initial', { memory: '2048' }), 'app-was', 'app-was:abc');
  assert.deepEqual(
    settings.containerDefinitions?.map(({ image }) => image),
    ['app-was:abc', 'log:1'],
  );
  assert.equal(settings.memory, '2048');
  assert.equal(imageOf(definition(3, 'app-was:initial'), 'app-was'), 'app-was:initial');
});

test('what ECS adds on registering is not registered again', () => {
  assert.deepEqual(Object.keys(settingsOf(definition(3, 'x'))).sort(), [
    'containerDefinitions',
    'cpu',
    'family',
    'memory',
    'volumes',
  ]);
});
