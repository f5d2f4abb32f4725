import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { problemSchema } from '../../services/contract.ts';
import { assertProperties, synthesize } from '../testing.ts';

const stack = synthesize();
const acl = z
  .looseObject({
    custom_response_body: z.array(
      z.object({ key: z.string(), content_type: z.string(), content: z.string() }),
    ),
    rule: z.array(
      z.looseObject({
        name: z.string(),
        statement: z.looseObject({
          rate_based_statement: z
            .looseObject({ limit: z.number(), aggregate_key_type: z.string() })
            .optional(),
          managed_rule_group_statement: z
            .looseObject({
              vendor_name: z.string(),
              rule_action_override: z.array(
                z.object({ name: z.string(), action_to_use: z.object({ count: z.object({}) }) }),
              ),
            })
            .optional(),
        }),
      }),
    ),
  })
  .parse(stack.get('aws_wafv2_web_acl.web-waf'));

test('the firewall stands before the public load balancer only', () => {
  assertProperties(stack.get('aws_wafv2_web_acl_association.web-waf-association'), {
    resource_arn: '${aws_lb.web-alb.arn}',
    web_acl_arn: '${aws_wafv2_web_acl.web-waf.arn}',
  });
  assert.equal(stack.ofType('aws_wafv2_web_acl_association').length, 1);
});

test('it limits each address and applies managed rules', () => {
  const limits = acl.rule.flatMap(({ statement }) => statement.rate_based_statement ?? []);
  assert.deepEqual(
    limits.map(({ limit, aggregate_key_type }) => [limit, aggregate_key_type]),
    [[2000, 'IP']],
  );
  assert.equal(acl.rule.flatMap(({ statement }) => statement.managed_rule_group_statement ?? []).length, 3);
});

test('no rule of the common set refuses a photo for its size or its bytes', () => {
  const common = acl.rule.find(({ name }) => name === 'AWSManagedRulesCommonRuleSet');
  const pluralize = common?.statement.managed_rule_group_statement?.rule_action_override.map(
    ({ name }) => name,
  );
  for (const rule of [
    'SizeRestrictions_BODY',
    'CrossSiteScripting_BODY',
    'GenericLFI_BODY',
    'GenericRFI_BODY',
  ])
    assert.ok(pluralize?.includes(rule), `${rule} would refuse photos`);
});

test('who asks too often is answered with a problem like those of the services', () => {
  const [body] = acl.custom_response_body;
  assert.equal(body?.content_type, 'APPLICATION_JSON');
  assert.equal(problemSchema.parse(JSON.parse(body?.content ?? '')).status, 429);
});

test('the firewall can be switched off', () => {
  const without = synthesize({ firewall: { enabled: false } });
  assert.deepEqual(without.ofType('aws_wafv2_web_acl'), []);
  assert.deepEqual(without.ofType('aws_wafv2_web_acl_association'), []);
});
