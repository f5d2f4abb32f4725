import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { EC2Client } from '@aws-sdk/client-ec2';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { AwsError, invalid } from '../aws-double/protocol.ts';
import { deleteModelPackages, deleteServing, deleteStudioSecurityGroups, emptyStudio } from './cleanup.ts';
import { clientSettings, listen, type Operations, quickly, startFakeAws } from './fake-aws.ts';

const OURS = 'arn:aws:iam::123456789012:role/app-ml-serving-role';
const THEIRS = 'arn:aws:iam::123456789012:role/app-ml-serving-role-dev2';

const missing = (what: string): AwsError => invalid(`Could not find ${what} "arn:aws:sagemaker:…".`);

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
      if (endpoint.states[0] !== 'InService') throw invalid('Cannot update in-progress endpoint');
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

const startServing = async (t: TestContext, operations: Operations) => {
  const aws = await startFakeAws(t, operations);
  const owner = { endpoint: 'image-classifier', servingRole: 'app-ml-serving-role' };
  return { ...aws, run: () => deleteServing(new SageMakerClient(aws.client), owner, aws.waiting) };
};

test('the endpoint goes first, then its configurations and models; those of other deployments stay', async (t) => {
  const { operations, configurations, roles } = sageMaker(['InService']);
  const { run, reports } = await startServing(t, operations);
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
  const { run, inputs } = await startServing(t, operations);
  const [first] = await run();
  assert.equal(first, 'endpoint image-classifier');
  assert.equal(inputs('DeleteEndpoint').length, 1);
});

test('without an endpoint there is nothing to wait for, and a second run finds nothing', async (t) => {
  const { operations } = sageMaker([]);
  const { run, called } = await startServing(t, operations);
  await run();
  assert.deepEqual(await run(), []);
  assert.ok(!called().includes('DeleteEndpoint'));
});

test('all registered versions of the group are deleted, from every page of the list', async (t) => {
  const versions = ['1', '2', '3'].map((number) => `arn:aws:sagemaker:…:model-package/flowers/${number}`);
  const pages: Operations = {
    ListModelPackages: (input) => {
      assert.equal(input['ModelPackageGroupName'], 'flowers');
      const from = Number(input['NextToken'] ?? 0);
      return {
        ModelPackageSummaryList: versions.slice(from, from + 2).map((arn) => ({ ModelPackageArn: arn })),
        ...(from + 2 < versions.length && { NextToken: String(from + 2) }),
      };
    },
    DeleteModelPackage: () => ({}),
  };
  const { client, inputs } = await startFakeAws(t, pages);
  assert.equal(await deleteModelPackages(new SageMakerClient(client), 'flowers'), 3);
  assert.deepEqual(
    inputs('DeleteModelPackage').map((input) => input['ModelPackageName']),
    versions,
  );
});

interface App {
  AppName: string;
  AppType: string;
  Status: string;
  SpaceName?: string;
  UserProfileName?: string;
}

/** A Studio domain whose deletions take one look. */
const studio = (apps: App[], spaces: { SpaceName: string; Status: string }[]) => {
  const operations: Operations = {
    ListApps: () => {
      const listed = structuredClone(apps);
      for (const app of apps) if (app.Status === 'Deleting') app.Status = 'Deleted';
      return { Apps: listed };
    },
    DeleteApp: (input) => {
      const app = apps.find(({ AppName }) => AppName === input['AppName']);
      if (app?.Status === 'Failed') throw invalid('cannot delete a failed app');
      if (!app || app.SpaceName !== input['SpaceName'] || app.UserProfileName !== input['UserProfileName'])
        throw new AwsError('ResourceNotFound', 'no such app');
      app.Status = 'Deleting';
    },
    ListSpaces: () => {
      const listed = structuredClone(spaces);
      for (const space of spaces.splice(0)) if (space.Status !== 'Deleting') spaces.push(space);
      return { Spaces: listed };
    },
    DeleteSpace: (input) => {
      if (apps.some(({ SpaceName, Status }) => SpaceName === input['SpaceName'] && Status !== 'Deleted'))
        throw new AwsError('ResourceInUse', 'the space has apps');
      const space = spaces.find(({ SpaceName }) => SpaceName === input['SpaceName']);
      if (space) space.Status = 'Deleting';
    },
  };
  return operations;
};

const emptied = async (t: TestContext, operations: Operations) => {
  const aws = await startFakeAws(t, operations);
  return { ...aws, found: await emptyStudio(new SageMakerClient(aws.client), 'd-1', aws.waiting) };
};

test('apps are deleted first, then the spaces that they ran in', async (t) => {
  const { found, reports } = await emptied(
    t,
    studio(
      [
        { AppName: 'lab', AppType: 'JupyterLab', Status: 'InService', SpaceName: 'kim' },
        { AppName: 'canvas', AppType: 'Canvas', Status: 'InService', UserProfileName: 'lee' },
        { AppName: 'old', AppType: 'JupyterLab', Status: 'Failed', SpaceName: 'x' },
        { AppName: 'gone', AppType: 'JupyterLab', Status: 'Deleted', SpaceName: 'y' },
      ],
      [{ SpaceName: 'kim', Status: 'InService' }],
    ),
  );
  assert.deepEqual(found, { apps: 2, spaces: 1 });
  assert.deepEqual(reports, ['Studio: 2 apps are being deleted', 'Studio: 1 spaces are being deleted']);
});

test('an empty domain is left as it is', async (t) => {
  const { found, called } = await emptied(t, studio([], []));
  assert.deepEqual(found, { apps: 0, spaces: 0 });
  assert.ok(!called().some((operation) => operation.startsWith('Delete')));
});

interface Group {
  name: string;
  /** The group that its rule names. */
  peer: string;
  rule: 'ipPermissions' | 'ipPermissionsEgress';
}

/** EC2 speaks forms and XML. A group cannot be deleted while a rule names it, nor at the first `busy` tries. */
const startEc2 = async (t: TestContext, groups: Map<string, Group>, busy: number) => {
  const describe = ([id, { name, peer, rule }]: [string, Group]) =>
    `<item><groupId>${id}</groupId><groupName>${name}</groupName>${
      peer === ''
        ? ''
        : `<${rule}><item><ipProtocol>tcp</ipProtocol><fromPort>2049</fromPort><toPort>2049</toPort><groups><item><groupId>${peer}</groupId></item></groups></item></${rule}>`
    }</item>`;
  const calls: string[] = [];
  const url = await listen(t, async (request, response) => {
    const form = new URLSearchParams(await text(request));
    const action = form.get('Action') ?? '';
    const id = form.get('GroupId') ?? '';
    calls.push(action);
    const group = groups.get(id);
    if (action.startsWith('RevokeSecurityGroup') && group) group.peer = '';
    if (action === 'DeleteSecurityGroup') {
      if (busy-- > 0 || [...groups.values()].some(({ peer }) => peer === id)) {
        response.statusCode = 400;
        response.end(
          `<Response><Errors><Error><Code>DependencyViolation</Code><Message>resource ${id} has a dependent object</Message></Error></Errors></Response>`,
        );
        return;
      }
      groups.delete(id);
    }
    const items = form.get('Filter.1.Value.1') === 'vpc-1' ? [...groups].map(describe).join('') : '';
    response.end(
      `<${action}Response><return>true</return><securityGroupInfo>${items}</securityGroupInfo></${action}Response>`,
    );
  });
  return { client: new EC2Client(clientSettings(url)), calls };
};

const ofStudio = () =>
  new Map<string, Group>([
    ['sg-in', { name: 'security-group-for-inbound-nfs-d-1', peer: 'sg-out', rule: 'ipPermissions' }],
    ['sg-out', { name: 'security-group-for-outbound-nfs-d-1', peer: 'sg-in', rule: 'ipPermissionsEgress' }],
  ]);

test('groups that name each other are deleted, as soon as nothing uses them', async (t) => {
  const groups = ofStudio();
  const { client, calls } = await startEc2(t, groups, 2);
  assert.equal(await deleteStudioSecurityGroups(client, 'vpc-1', quickly()), 2);
  assert.equal(groups.size, 0);
  assert.deepEqual(calls.slice(0, 3), [
    'DescribeSecurityGroups',
    'RevokeSecurityGroupIngress',
    'RevokeSecurityGroupEgress',
  ]);
});

test('groups of another VPC are left alone', async (t) => {
  const groups = ofStudio();
  const { client } = await startEc2(t, groups, 0);
  assert.equal(await deleteStudioSecurityGroups(client, 'vpc-2', quickly()), 0);
  assert.equal(groups.size, 2);
});
