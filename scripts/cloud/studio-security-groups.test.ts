import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { EC2Client } from '@aws-sdk/client-ec2';
import { deleteStudioSecurityGroups } from './studio-security-groups.ts';
import { clientSettings, listen, QUICKLY } from './testing.ts';

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
  const port = await listen(t, async (request, response) => {
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
  return { client: new EC2Client(clientSettings(port)), calls };
};

const ofStudio = () =>
  new Map<string, Group>([
    ['sg-in', { name: 'security-group-for-inbound-nfs-d-1', peer: 'sg-out', rule: 'ipPermissions' }],
    ['sg-out', { name: 'security-group-for-outbound-nfs-d-1', peer: 'sg-in', rule: 'ipPermissionsEgress' }],
  ]);

test('groups that name each other are deleted, as soon as nothing uses them', async (t) => {
  const groups = ofStudio();
  const { client, calls } = await startEc2(t, groups, 2);
  assert.equal(await deleteStudioSecurityGroups(client, 'vpc-1', QUICKLY, () => {}), 2);
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
  assert.equal(await deleteStudioSecurityGroups(client, 'vpc-2', QUICKLY, () => {}), 0);
  assert.equal(groups.size, 2);
});
