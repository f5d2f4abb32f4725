import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ruleDescriptions } from './rule-descriptions.ts';

const rule = (id: string) =>
  `<item><securityGroupRuleId>${id}</securityGroupRuleId><tagSet><item><key>a</key></item></tagSet></item>`;
const form = (fields: Record<string, string>) => new URLSearchParams(fields);
const describe = form({ Action: 'DescribeSecurityGroupRules' });

test('a rule that names a group is described as it was made, and as it was changed', () => {
  const rules = ruleDescriptions();
  const made = {
    Action: 'AuthorizeSecurityGroupIngress',
    'IpPermissions.1.Groups.1.GroupId': 'sg-1',
    'IpPermissions.1.Groups.1.Description': 'port 80 <from> web',
  };
  rules.amend({ form: form(made), answer: rule('sgr-1a') });
  const answer = rules.amend({ form: describe, answer: rule('sgr-2b') + rule('sgr-1a') });
  assert.deepEqual(
    [...answer.matchAll(/(sgr-\w+)<\/securityGroupRuleId><description>(.*?)<\/description>/g)].map(
      ([, id, text]) => [id, text],
    ),
    [['sgr-1a', 'port 80 &lt;from> web']],
  );
  const changed = {
    Action: 'ModifySecurityGroupRules',
    'SecurityGroupRule.1.SecurityGroupRuleId': 'sgr-1a',
    'SecurityGroupRule.1.SecurityGroupRule.ReferencedGroupId': 'sg-1',
    'SecurityGroupRule.1.SecurityGroupRule.Description': 'changed',
  };
  rules.amend({ form: form(changed), answer: '<return>true</return>' });
  assert.match(rules.amend({ form: describe, answer: rule('sgr-1a') }), /<description>changed</);
});

test('it concerns only security group rules', () => {
  const rules = ruleDescriptions();
  for (const Action of [
    'DescribeSecurityGroupRules',
    'AuthorizeSecurityGroupEgress',
    'ModifySecurityGroupRules',
  ])
    assert.equal(rules.concerns(form({ Action })), true, Action);
  for (const Action of ['DescribeVpcs', 'CreateSecurityGroup', 'DescribeSecurityGroups', 'GetRole'])
    assert.equal(rules.concerns(form({ Action })), false, Action);
});
