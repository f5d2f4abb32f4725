import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { overlays } from '../emulator.ts';
import { type Received, type Reply, startFakeUpstream } from '../fake-upstream.ts';
import { startProxy } from '../proxy.ts';
import { anything } from './overlay.ts';

/** Starts the overlays before an upstream that answers `reply`, and gives a function that calls an operation. */
const start = async (t: TestContext, reply: (received: Received) => Reply = () => ({ body: '{}' })) => {
  const upstream = await startFakeUpstream(reply);
  t.after(upstream.stop);
  const proxy = await startProxy(upstream.url, overlays());
  t.after(proxy.stop);
  const call = async (target: string, input: unknown) => {
    const headers = {
      'x-amz-target': target,
      authorization: 'Credential=key/20260101/ap-northeast-2/x/aws4_request',
    };
    const response = await fetch(proxy.url, { method: 'POST', headers, body: JSON.stringify(input) });
    const answer = anything.parse(await response.json());
    return response.ok ? answer : `${answer['__type']}`;
  };
  const form = (fields: Record<string, string>) =>
    fetch(proxy.url, {
      method: 'POST',
      headers: { authorization: 'Credential=key/20260101/ap-northeast-2/sns/aws4_request' },
      body: new URLSearchParams(fields),
    });
  return { call, form, received: upstream.received };
};

const definition = (change: object = {}) => ({
  PipelineName: 'Train',
  RoleArn: 'arn:aws:iam::123456789012:role/x',
  PipelineDefinition: JSON.stringify({
    Version: '2020-12-01',
    Parameters: [{ Name: 'Epoch', Type: 'Integer', DefaultValue: 10 }],
    Steps: [
      {
        Name: 'Train',
        Type: 'Training',
        Arguments: { HyperParameters: { epoch: { Get: 'Parameters.Epoch' } } },
      },
      {
        Name: 'Model',
        Type: 'Model',
        Arguments: { Data: { Get: 'Steps.Train.ModelArtifacts.S3ModelArtifacts' } },
      },
    ],
    ...change,
  }),
});

test('SageMaker takes a sound pipeline definition as it is', async (t) => {
  const { call, received } = await start(t);
  assert.deepEqual(await call('SageMaker.CreatePipeline', definition()), {});
  assert.deepEqual(JSON.parse(`${received[0]?.body}`), definition());
});

for (const [what, request] of Object.entries({
  'that is not JSON': { ...definition(), PipelineDefinition: '{' },
  'without steps': definition({ Steps: [] }),
  'of another version': definition({ Version: '2021-01-01' }),
  'with two steps of one name': definition({
    Steps: [
      { Name: 'A', Type: 'Fail' },
      { Name: 'A', Type: 'Fail' },
    ],
  }),
  'whose step depends on none': definition({ Steps: [{ Name: 'A', Type: 'Fail', DependsOn: ['B'] }] }),
  'that refers to a missing parameter': definition({ Parameters: [] }),
}))
  test(`SageMaker refuses a pipeline definition ${what}`, async (t) => {
    const { call, received } = await start(t);
    assert.equal(await call('SageMaker.CreatePipeline', request), 'ValidationException');
    assert.equal(await call('SageMaker.UpdatePipeline', request), 'ValidationException');
    assert.equal(received.length, 0);
  });

test('a Studio domain keeps its settings, and cannot go before its user profiles', async (t) => {
  const { call } = await start(t);
  const Tags = [{ Key: 'project', Value: 'bloomstack' }];
  const domain = { DomainName: 'studio', AuthMode: 'IAM', DefaultUserSettings: { ExecutionRole: 'r' }, Tags };
  const created = anything.parse(await call('SageMaker.CreateDomain', domain));
  assert.equal(await call('SageMaker.CreateDomain', domain), 'ResourceInUse');
  const { DomainId } = created;
  const profile = { DomainId, UserProfileName: 'engineer' };
  assert.equal(
    await call('SageMaker.CreateUserProfile', { ...profile, DomainId: 'd-none' }),
    'ResourceNotFound',
  );
  await call('SageMaker.CreateUserProfile', profile);
  assert.deepEqual(await call('SageMaker.ListTags', { ResourceArn: created['DomainArn'] }), { Tags });
  assert.equal(await call('SageMaker.DeleteDomain', { DomainId }), 'ResourceInUse');
  await call('SageMaker.DeleteUserProfile', profile);
  assert.deepEqual(await call('SageMaker.DeleteDomain', { DomainId }), {});
  assert.equal(await call('SageMaker.DescribeDomain', { DomainId }), 'ResourceNotFound');
});

test('CodeBuild gets a location where moto demands one, and the client never sees it', async (t) => {
  const { call, received } = await start(t, ({ body }) => ({
    body: JSON.stringify({ project: { arn: 'arn:aws:codebuild:r:1:project/app', ...JSON.parse(`${body}`) } }),
  }));
  const project = { name: 'app', source: { type: 'CODEPIPELINE' }, artifacts: { type: 'CODEPIPELINE' } };
  const answer = anything.parse(await call('CodeBuild_20161006.CreateProject', project));
  assert.ok(anything.parse(JSON.parse(`${received[0]?.body}`)['source'])['location']);
  assert.deepEqual(answer['project'], { arn: 'arn:aws:codebuild:r:1:project/app', ...project });
  const mixed = { ...project, artifacts: { type: 'NO_ARTIFACTS' } };
  assert.equal(await call('CodeBuild_20161006.CreateProject', mixed), 'InvalidInputException');
});

test('CodePipeline refuses an action that reads what no earlier one wrote', async (t) => {
  const { call } = await start(t);
  const action = (name: string, reads: string[], writes: string[]) => ({
    name,
    inputArtifacts: reads.map((artifact) => ({ name: artifact })),
    outputArtifacts: writes.map((artifact) => ({ name: artifact })),
  });
  const pipeline = (reads: string) => ({
    pipeline: {
      stages: [
        { name: 'Source', actions: [action('Source', [], ['source'])] },
        { name: 'Build', actions: [action('Build', [reads], ['image'])] },
      ],
    },
  });
  assert.deepEqual(await call('CodePipeline_20150709.CreatePipeline', pipeline('source')), {});
  for (const reads of ['image', 'other'])
    assert.equal(
      await call('CodePipeline_20150709.CreatePipeline', pipeline(reads)),
      'InvalidStructureException',
    );
});

test('CodePipeline and CodeBuild give times as numbers', async (t) => {
  const at = '2026-01-02T03:04:05.000Z';
  const { call } = await start(t, () => ({
    body: JSON.stringify({ metadata: { created: at, updated: at }, build: { startTime: at } }),
  }));
  const found = anything.parse(await call('CodePipeline_20150709.GetPipeline', { name: 'app' }));
  assert.deepEqual(found['metadata'], { created: 1_767_323_045, updated: 1_767_323_045 });
  const started = anything.parse(await call('CodeBuild_20161006.StartBuild', { projectName: 'app' }));
  assert.deepEqual(started['build'], { startTime: 1_767_323_045 });
});

test('an ECS service gives back what moto drops, and is steady', async (t) => {
  let services: object[] = [];
  const serviceArn = 'arn:aws:ecs:r:1:service/cluster/web';
  const service = { serviceArn, status: 'ACTIVE', desiredCount: 2, launchType: 'EC2', runningCount: 0 };
  const { call } = await start(t, () => ({ body: JSON.stringify({ service, services }) }));
  const request = { serviceName: 'web', healthCheckGracePeriodSeconds: 60, capacityProviderStrategy: [{}] };
  await call('AmazonEC2ContainerServiceV20141113.CreateService', request);
  services = [service];
  assert.equal(
    await call('AmazonEC2ContainerServiceV20141113.CreateService', request),
    'InvalidParameterException',
  );
  const update = { service: 'web', enableExecuteCommand: true };
  await call('AmazonEC2ContainerServiceV20141113.UpdateService', update);
  const described = anything.parse(
    await call('AmazonEC2ContainerServiceV20141113.DescribeServices', { services: ['web'] }),
  );
  assert.deepEqual(described['services'], [
    {
      serviceArn,
      status: 'ACTIVE',
      desiredCount: 2,
      runningCount: 2,
      pendingCount: 0,
      deployments: [],
      healthCheckGracePeriodSeconds: 60,
      capacityProviderStrategy: [{}],
      enableExecuteCommand: true,
    },
  ]);
});

test('ECS answers with the lists of capabilities that a task definition left out', async (t) => {
  const linuxParameters = { capabilities: { drop: ['ALL'] } };
  const taskDefinition = { containerDefinitions: [{ name: 'web', linuxParameters }, { name: 'plain' }] };
  const { call } = await start(t, () => ({ body: JSON.stringify({ taskDefinition }) }));
  for (const operation of ['RegisterTaskDefinition', 'DescribeTaskDefinition'])
    assert.deepEqual(await call(`AmazonEC2ContainerServiceV20141113.${operation}`, {}), {
      taskDefinition: {
        containerDefinitions: [
          { name: 'web', linuxParameters: { capabilities: { add: [], drop: ['ALL'] } } },
          { name: 'plain' },
        ],
      },
    });
});

test('EventBridge takes a topic as a target only if its messages pass both policies, without a condition', async (t) => {
  const { call, form } = await start(t, () => ({ body: '{"KeyMetadata":{"KeyId":"1"}}' }));
  const allow = (Action: string, Condition?: object) =>
    JSON.stringify({
      Statement: [{ Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Action, Condition }],
    });
  const condition = { StringEquals: { 'aws:SourceAccount': '123456789012' } };
  const TopicArn = 'arn:aws:sns:ap-northeast-2:123456789012:alarms';
  const target = () =>
    call('AWSEvents.PutTargets', { Rule: 'failed', Targets: [{ Id: 'a', Arn: TopicArn }] });
  const setPolicy = (policy: string) =>
    form({ Action: 'SetTopicAttributes', TopicArn, AttributeName: 'Policy', AttributeValue: policy });
  await call('TrentService.CreateKey', { Policy: allow('kms:GenerateDataKey', condition) });
  await form({
    Action: 'CreateTopic',
    Name: 'alarms',
    'Attributes.entry.1.key': 'KmsMasterKeyId',
    'Attributes.entry.1.value': 'arn:aws:kms:ap-northeast-2:123456789012:key/1',
  });
  await setPolicy(allow('sns:Publish', condition));
  assert.equal(await target(), 'ValidationException');
  await setPolicy(allow('sns:Publish'));
  assert.equal(await target(), 'ValidationException', "its key's policy has a condition");
  await call('TrentService.PutKeyPolicy', { KeyId: '1', Policy: allow('kms:GenerateDataKey') });
  assert.notEqual(await target(), 'ValidationException');
});

test('a budget keeps its subscribers and tags', async (t) => {
  const { call } = await start(t);
  const Notification = { NotificationType: 'ACTUAL', Threshold: 80 };
  const Subscribers = [{ SubscriptionType: 'SNS', Address: 'arn:aws:sns:r:1:alarms' }];
  const ResourceTags = [{ Key: 'project', Value: 'bloomstack' }];
  const Budget = { BudgetName: 'monthly', BudgetType: 'COST' };
  await call('AWSBudgetServiceGateway.CreateBudget', { Budget, ResourceTags });
  const notification = { BudgetName: 'monthly', Notification };
  await call('AWSBudgetServiceGateway.CreateNotification', { ...notification, Subscribers });
  assert.deepEqual(await call('AWSBudgetServiceGateway.DescribeSubscribersForNotification', notification), {
    Subscribers,
  });
  const ResourceARN = 'arn:aws:budgets::123456789012:budget/monthly';
  assert.deepEqual(await call('AWSBudgetServiceGateway.ListTagsForResource', { ResourceARN }), {
    ResourceTags,
  });
  await call('AWSBudgetServiceGateway.DeleteNotification', notification);
  const gone = await call('AWSBudgetServiceGateway.DescribeSubscribersForNotification', notification);
  assert.equal(gone, 'NotFoundException');
});

test('CodeCommit repositories have tags, and one name per region', async (t) => {
  const { call, received } = await start(t);
  const repository = { repositoryName: 'app-web', tags: { project: 'bloomstack' } };
  await call('CodeCommit_20150413.CreateRepository', repository);
  assert.equal(
    await call('CodeCommit_20150413.CreateRepository', repository),
    'RepositoryNameExistsException',
  );
  const resourceArn = 'arn:aws:codecommit:ap-northeast-2:123456789012:app-web';
  assert.deepEqual(await call('CodeCommit_20150413.ListTagsForResource', { resourceArn }), {
    tags: { project: 'bloomstack' },
  });
  await call('CodeCommit_20150413.DeleteRepository', { repositoryName: 'app-web' });
  const gone = await call('CodeCommit_20150413.GetRepository', { repositoryName: 'app-web' });
  assert.equal(gone, 'RepositoryDoesNotExistException');
  assert.equal(received.length, 0);
});
