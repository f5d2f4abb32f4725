import { z } from 'zod';
import { AwsError, arn, operation } from '../../../../scripts/aws-double/protocol.ts';
import { ACCOUNT, anything, type Overlay } from './overlay.ts';

const statement = z.looseObject({
  Effect: z.string(),
  Principal: z.unknown(),
  Action: z.union([z.string(), z.array(z.string())]).transform((actions) => [actions].flat()),
  Condition: z.unknown().optional(),
});
const policyDocument = z.object({ Statement: z.array(statement) });

/** Whether a policy allows EventBridge an action; it sends nothing by which a condition could let it pass. */
const allowsEvents = (policy: string | undefined, action: string): boolean =>
  policyDocument
    .parse(JSON.parse(policy ?? '{"Statement":[]}'))
    .Statement.some(
      ({ Effect, Principal, Action, Condition }) =>
        Effect === 'Allow' &&
        JSON.stringify(Principal).includes('"events.amazonaws.com"') &&
        Action.includes(action) &&
        Condition === undefined,
    );

const created = z.looseObject({ KeyMetadata: z.looseObject({ KeyId: z.string() }) });
const lastPart = (name: string): string => name.slice(name.lastIndexOf('/') + 1);

/**
 * What becomes of EventBridge's messages to a topic: AWS drops those that the topic's policy or its key's refuses, and only
 * a metric says so. Here such a target is refused, so that a test sees it. Moto looks at neither policy.
 */
export const notices = () => {
  /** Of topics by ARN, and of keys by id. */
  const policies = new Map<string, string>();
  /** The ids of the topics' keys. */
  const keys = new Map<string, string>();

  const set = (topic: string, attribute: string | null, value: string | null): void => {
    if (attribute === 'Policy') policies.set(topic, value ?? '');
    if (attribute === 'KmsMasterKeyId') keys.set(topic, lastPart(value ?? ''));
  };
  /** Takes note of what a request of SNS, a form, says about a topic. */
  const learn = (form: URLSearchParams, region: string): void => {
    if (form.get('Action') === 'SetTopicAttributes')
      set(form.get('TopicArn') ?? '', form.get('AttributeName'), form.get('AttributeValue'));
    if (form.get('Action') !== 'CreateTopic') return;
    const topic = arn({ region, account: ACCOUNT }, 'sns', form.get('Name') ?? '');
    for (const [name, value] of form)
      if (name.endsWith('.key')) set(topic, value, form.get(name.replace(/key$/, 'value')));
  };

  const kms: Overlay = {
    service: 'TrentService',
    operations: {
      CreateKey: operation(anything, async (input, { send }) => {
        const answer = created.parse(await send('CreateKey', input));
        policies.set(answer.KeyMetadata.KeyId, String(input['Policy'] ?? '{"Statement":[]}'));
        return answer;
      }),
      PutKeyPolicy: operation(
        z.looseObject({ KeyId: z.string(), Policy: z.string() }),
        async (input, { send }) => {
          policies.set(lastPart(input.KeyId), input.Policy);
          return send('PutKeyPolicy', input);
        },
      ),
    },
  };
  const events: Overlay = {
    service: 'AWSEvents',
    operations: {
      PutTargets: operation(
        z.looseObject({ Targets: z.array(z.looseObject({ Arn: z.string() })) }),
        async (input, { send }) => {
          for (const { Arn } of input.Targets.filter((target) => target.Arn.includes(':sns:'))) {
            const key = keys.get(Arn);
            const refused =
              (!allowsEvents(policies.get(Arn), 'sns:Publish') && 'the topic') ||
              (key && !allowsEvents(policies.get(key), 'kms:GenerateDataKey') && 'its key');
            if (refused)
              throw new AwsError(
                'ValidationException',
                `The policy of ${refused} drops what EventBridge sends to ${Arn}`,
              );
          }
          return send('PutTargets', input);
        },
      ),
    },
  };
  return { learn, overlays: [kms, events] };
};
