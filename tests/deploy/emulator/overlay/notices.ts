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

/** Whether a policy allows EventBridge an action unconditionally: it sends no condition keys. */
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
 * Checks EventBridge's targets. AWS silently drops messages that the topic's policy or its key's policy refuses. Here
 * such a target is refused, so that tests notice it. Moto ignores both policies.
 */
export const notices = () => {
  /** Policies of topics by ARN, and of keys by id. */
  const policies = new Map<string, string>();
  /** Ids of the topics' keys. */
  const keys = new Map<string, string>();

  const set = (topic: string, attribute: string | null, value: string | null): void => {
    if (attribute === 'Policy') policies.set(topic, value ?? '');
    if (attribute === 'KmsMasterKeyId') keys.set(topic, lastPart(value ?? ''));
  };
  /** Records what a request to SNS, a form, says about a topic. */
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
