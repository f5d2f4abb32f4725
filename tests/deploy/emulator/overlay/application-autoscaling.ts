import { z } from 'zod';
import { AwsError, operation } from '../../../../scripts/aws-double/protocol.ts';
import type { Overlay } from './overlay.ts';
import { Tags, tagMap, tagOperations } from './tags.ts';

const target = z.looseObject({
  ServiceNamespace: z.string(),
  ResourceId: z.string(),
  ScalableDimension: z.string(),
  Tags: tagMap.default({}),
});
const registered = z.object({ ScalableTargetARN: z.string() });
const described = z.looseObject({
  ScalableTargets: z.array(z.looseObject({ ScalableTargetARN: z.string() })),
});

/** Moto drops the tags of scalable targets. */
export const applicationAutoscaling = (): Overlay => {
  const tags = new Tags();
  return {
    service: 'AnyScaleFrontendService',
    operations: {
      RegisterScalableTarget: operation(target, async (input, { send }) => {
        const answer = registered.parse(await send('RegisterScalableTarget', input));
        tags.add(answer.ScalableTargetARN, input.Tags);
        return answer;
      }),
      DeregisterScalableTarget: operation(target, async (input, { send }) => {
        const { ServiceNamespace, ResourceId, ScalableDimension } = input;
        const which = { ServiceNamespace, ResourceIds: [ResourceId], ScalableDimension };
        const { ScalableTargets } = described.parse(await send('DescribeScalableTargets', which));
        const answer = await send('DeregisterScalableTarget', input);
        for (const { ScalableTargetARN } of ScalableTargets) tags.forget(ScalableTargetARN);
        return answer;
      }),
      ...tagOperations(tags, {
        arn: 'ResourceARN',
        tags: 'Tags',
        keys: 'TagKeys',
        asMap: true,
        notFound: (arn) => new AwsError('ResourceNotFoundException', `No scalable target ${arn}`),
      }),
    },
  };
};
