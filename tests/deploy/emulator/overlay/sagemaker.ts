import { z } from 'zod';
import { operation } from '../../../../scripts/aws-double/protocol.ts';
import { sageMakerStudio } from './kept-services.ts';
import type { Overlay } from './overlay.ts';
import { sageMakerModelPackages } from './sagemaker-model-packages.ts';
import { sageMakerPipelines } from './sagemaker-pipelines.ts';
import { Tags, tagList, toList, toMap } from './tags.ts';

const resource = z.looseObject({ ResourceArn: z.string() });

/** Moto's gaps in SageMaker. Tags of what the overlay keeps are here, those of all else in moto. */
export const sageMaker = (): Overlay => {
  const tags = new Tags();
  return {
    service: 'SageMaker',
    operations: {
      ...sageMakerStudio(tags),
      ...sageMakerModelPackages(),
      ...sageMakerPipelines,
      AddTags: operation(resource.extend({ Tags: tagList }), async (input, { send }) => {
        const { ResourceArn, Tags: added } = input;
        if (tags.of(ResourceArn)) {
          tags.add(ResourceArn, toMap(added));
          return { Tags: toList(tags.of(ResourceArn) ?? {}) };
        }
        // Moto would keep the old value of a tag beside the new one.
        await send('DeleteTags', { ResourceArn, TagKeys: added.map(({ Key }) => Key) });
        return send('AddTags', input);
      }),
      ListTags: operation(resource, (input, { send }) => {
        const own = tags.of(input.ResourceArn);
        return own ? { Tags: toList(own) } : send('ListTags', input);
      }),
      DeleteTags: operation(resource.extend({ TagKeys: z.array(z.string()) }), (input, { send }) => {
        if (!tags.of(input.ResourceArn)) return send('DeleteTags', input);
        tags.remove(input.ResourceArn, input.TagKeys);
        return {};
      }),
    },
  };
};
