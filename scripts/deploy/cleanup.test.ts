import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { EC2Client } from '@aws-sdk/client-ec2';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { AwsError, invalid } from '../aws-double/protocol.ts';
import { deleteServing, deleteStudioSecurityGroups, emptyStudio } from './cleanup.ts';
import { clientSettings, quickly, startFakeAws, startTestServer } from './fake-aws.ts';

const missing = (what: string): AwsError => invalid(`Could not find ${what} "arn:aws:sagemaker:…".`);

const CONFIGURATIONS: Readonly<Record<string, string>> = {
  'image-classifier-1': 'model-1',
  'image-classifier-2': 'model-2',
  'image-classifier-dev2-1': 'model-dev2',
  'our-image-classifier': 'model-other',
};

for (const [title, first, deletions] of [
  ['an endpoint that serves', ['InService'], 1],
  ['an endpoint in the middle of an update', ['Updating', 'Updating', 'InService'], 1],
  ['no endpoint', [], 0],
] satisfies [string, string[], number][])
  test(`deleted with its configurations and models, but not those of other deployments: ${title}`, async (t) => {
    let states = first;
    const configurations = new Set(Object.keys(CONFIGURATIONS));
    const models = new Set(Object.values(CONFIGURATIONS));
    const { client, waiting, inputs, reports } = await startFakeAws(t, {
      DescribeEndpoint: ({ EndpointName }) => {
        const [EndpointStatus, ...later] = EndpointName === 'image-classifier' ? states : [];
        if (EndpointStatus === undefined) throw missing('endpoint');
        if (later.length > 0 || EndpointStatus === 'Deleting') states = later;
        return { EndpointStatus };
      },
      DeleteEndpoint: () => {
        if (states[0] !== 'InService') throw invalid('Cannot update in-progress endpoint');
        states = ['Deleting', 'Deleting'];
      },
      ListEndpointConfigs: ({ NextToken }) => {
        const names = [...configurations].filter((name) => name.startsWith('our') === (NextToken === 'more'));
        const EndpointConfigs = names.map((EndpointConfigName) => ({ EndpointConfigName }));
        return { EndpointConfigs, ...(NextToken === undefined && { NextToken: 'more' }) };
      },
      DescribeEndpointConfig: ({ EndpointConfigName }) => ({
        ProductionVariants: [{ ModelName: CONFIGURATIONS[String(EndpointConfigName)] }],
      }),
      DeleteEndpointConfig: ({ EndpointConfigName }) =>
        void configurations.delete(String(EndpointConfigName)),
      DescribeModel: ({ ModelName }) => {
        if (!models.has(String(ModelName))) throw missing('model');
        const ours = /model-\d/.test(String(ModelName)) ? '' : '-dev2';
        return { ExecutionRoleArn: `arn:aws:iam::123456789012:role/app-ml-serving-role${ours}` };
      },
      DeleteModel: ({ ModelName }) => void models.delete(String(ModelName)),
    });
    const owner = { endpoint: 'image-classifier', servingRole: 'app-ml-serving-role' };
    const run = () => deleteServing(new SageMakerClient(client), owner, waiting);
    assert.deepEqual(await run(), [
      ...(deletions > 0 ? ['endpoint image-classifier'] : []),
      'endpoint configuration image-classifier-1 with its models',
      'endpoint configuration image-classifier-2 with its models',
    ]);
    assert.deepEqual([...configurations], ['image-classifier-dev2-1', 'our-image-classifier']);
    assert.deepEqual([...models], ['model-dev2', 'model-other']);
    assert.equal(inputs('DeleteEndpoint').length, deletions);
    assert.equal(reports.at(-1), deletions > 0 ? 'endpoint image-classifier: deleted' : undefined);
    assert.deepEqual(await run(), [], 'a second run finds nothing');
  });

test('apps are deleted first, then the spaces that they ran in; the next time there is nothing to do', async (t) => {
  const apps = [
    { AppName: 'lab', Status: 'InService', SpaceName: 'kim' },
    { AppName: 'canvas', Status: 'InService', UserProfileName: 'lee' },
    { AppName: 'old', Status: 'Failed', SpaceName: 'x' },
  ];
  let spaces = [{ SpaceName: 'kim', Status: 'InService' }];
  const { client, waiting, reports } = await startFakeAws(t, {
    ListApps: () => {
      const Apps = structuredClone(apps);
      for (const app of apps) if (app.Status === 'Deleting') app.Status = 'Deleted';
      return { Apps };
    },
    DeleteApp: ({ AppName, SpaceName, UserProfileName }) => {
      const app = apps.find((each) => each.AppName === AppName);
      if (
        app?.Status !== 'InService' ||
        app.SpaceName !== SpaceName ||
        app.UserProfileName !== UserProfileName
      )
        throw new AwsError('ResourceNotFound', 'no such app');
      app.Status = 'Deleting';
    },
    ListSpaces: () => {
      const Spaces = structuredClone(spaces);
      spaces = spaces.filter(({ Status }) => Status !== 'Deleting');
      return { Spaces };
    },
    DeleteSpace: ({ SpaceName }) => {
      if (apps.some((app) => app.SpaceName === SpaceName && app.Status !== 'Deleted'))
        throw new AwsError('ResourceInUse', 'the space has apps');
      for (const space of spaces) space.Status = 'Deleting';
    },
  });
  const empty = () => emptyStudio(new SageMakerClient(client), 'd-1', waiting);
  assert.deepEqual(await empty(), { apps: 2, spaces: 1 });
  assert.deepEqual(reports, ['Studio: 2 apps are being deleted', 'Studio: 1 spaces are being deleted']);
  assert.deepEqual(await empty(), { apps: 0, spaces: 0 });
});

test('security groups that name each other are deleted, as soon as nothing uses them', async (t) => {
  /** The group that the rule of each names. */
  const peers = new Map([
    ['sg-inbound', 'sg-outbound'],
    ['sg-outbound', 'sg-inbound'],
  ]);
  const groups = new Set(peers.keys());
  let busy = 2;
  const calls: string[] = [];
  const describe = (id: string) => {
    const kind = id === 'sg-inbound' ? 'ipPermissions' : 'ipPermissionsEgress';
    const rule = `<${kind}><item><groups><item><groupId>${peers.get(id)}</groupId></item></groups></item></${kind}>`;
    const name = `security-group-for-${id.slice(3)}-nfs-d-1`;
    return `<item><groupId>${id}</groupId><groupName>${name}</groupName>${peers.has(id) ? rule : ''}</item>`;
  };
  // EC2 speaks forms and XML.
  const url = await startTestServer(t, async (request, response) => {
    const form = new URLSearchParams(await text(request));
    const [action = '', id = ''] = [form.get('Action') ?? '', form.get('GroupId') ?? ''];
    calls.push(action);
    if (action.startsWith('RevokeSecurityGroup')) peers.delete(id);
    if (action === 'DeleteSecurityGroup' && (busy-- > 0 || [...peers.values()].includes(id))) {
      response.statusCode = 400;
      response.end(
        '<Response><Errors><Error><Code>DependencyViolation</Code><Message>in use</Message></Error></Errors></Response>',
      );
      return;
    }
    if (action === 'DeleteSecurityGroup') groups.delete(id);
    const items = form.get('Filter.1.Value.1') === 'vpc-1' ? [...groups].map(describe).join('') : '';
    response.end(
      `<${action}Response><return>true</return><securityGroupInfo>${items}</securityGroupInfo></${action}Response>`,
    );
  });
  const client = new EC2Client(clientSettings(url));
  assert.equal(await deleteStudioSecurityGroups(client, 'vpc-2', quickly()), 0);
  assert.equal(await deleteStudioSecurityGroups(client, 'vpc-1', quickly()), 2);
  assert.equal(groups.size, 0);
  assert.deepEqual(calls.slice(2, 4), ['RevokeSecurityGroupIngress', 'RevokeSecurityGroupEgress']);
});
