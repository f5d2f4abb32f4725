import { z } from 'zod';
import { AwsError, type Overlay, operation } from '../aws-json.ts';
import { type TagMap, Tags, tagMap } from '../tags.ts';

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
const resource = z.object({ ResourceARN: z.string() });

/** Moto drops the tags of scalable targets. */
export const applicationAutoscaling = (): Overlay => {
  const tags = new Tags();
  const tagsOf = (arn: string): TagMap => {
    const found = tags.of(arn);
    if (!found) throw new AwsError('ResourceNotFoundException', `No scalable target ${arn}`);
    return found;
  };
  return {
    service: 'AnyScaleFrontendService',
    operations: {
      RegisterScalableTarget: operation(target, async (input, { send }) => {
        const answer = registered.parse(await send('RegisterScalableTarget', input));
        tags.add(answer.ScalableTargetARN, input.Tags);
        return answer;
      }),
      DeregisterScalableTarget: operation(target, async (input, { send }) => {
        const { ScalableTargets } = described.parse(
          await send('DescribeScalableTargets', {
            ServiceNamespace: input.ServiceNamespace,
            ResourceIds: [input.ResourceId],
            ScalableDimension: input.ScalableDimension,
          }),
        );
        const answer = await send('DeregisterScalableTarget', input);
        for (const { ScalableTargetARN } of ScalableTargets) tags.forget(ScalableTargetARN);
        return answer;
      }),
      ListTagsForResource: operation(resource, ({ ResourceARN }) => ({ Tags: tagsOf(ResourceARN) })),
      TagResource: operation(resource.extend({ Tags: tagMap }), (input) => {
        tagsOf(input.ResourceARN);
        tags.add(input.ResourceARN, input.Tags);
        return {};
      }),
      UntagResource: operation(resource.extend({ TagKeys: z.array(z.string()) }), (input) => {
        tagsOf(input.ResourceARN);
        tags.remove(input.ResourceARN, input.TagKeys);
        return {};
      }),
    },
  };
};
