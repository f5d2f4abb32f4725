import { z } from 'zod';
import { errorText } from '../../../../model/shared/text.ts';
import { invalid, operation } from '../../../../scripts/aws-double/protocol.ts';
import { checkSteps } from '../../../../scripts/pipeline/definition.ts';
import { definitionSchema, referencesIn } from '../../../../stacks/learning/pipeline-schema.ts';
import { keptSageMaker } from './kept-services.ts';
import { type MotoHandler, type Overlay, Tags, tagList, toList, toMap } from './overlay.ts';

/** SageMaker's checks of a definition: its schema, unique names and valid references. */
const check = (text: string): void => {
  try {
    const definition = definitionSchema.parse(JSON.parse(text));
    checkSteps(definition.Steps);
    const names = new Set(definition.Parameters.map(({ Name }) => `Parameters.${Name}`));
    const unknown = referencesIn(definition).find(
      (each) => each.startsWith('Parameters.') && !names.has(each),
    );
    if (unknown !== undefined) throw new Error(`${unknown} refers to nothing.`);
  } catch (error) {
    throw invalid(`Unable to parse pipeline definition. ${errorText(error)}`);
  }
};

const defined = z.looseObject({ PipelineDefinition: z.string() });
/** Moto accepts any text as a pipeline's definition. */
const pipelineOperation = (name: string): MotoHandler =>
  operation(defined, (input, { send }) => {
    check(input.PipelineDefinition);
    return send(name, input);
  });

const taggedResource = z.looseObject({ ResourceArn: z.string() });

/** Moto's gaps in SageMaker. Tags of resources in the overlay are stored here, all others in moto. */
export const sageMaker = (): Overlay => {
  const tags = new Tags();
  return {
    service: 'SageMaker',
    operations: {
      ...keptSageMaker(tags),
      CreatePipeline: pipelineOperation('CreatePipeline'),
      UpdatePipeline: pipelineOperation('UpdatePipeline'),
      AddTags: operation(taggedResource.extend({ Tags: tagList }), async (input, { send }) => {
        const { ResourceArn, Tags: added } = input;
        if (tags.of(ResourceArn)) {
          tags.add(ResourceArn, toMap(added));
          return { Tags: toList(tags.of(ResourceArn) ?? {}) };
        }
        // Moto would keep the old value of a tag in addition to the new one.
        await send('DeleteTags', { ResourceArn, TagKeys: added.map(({ Key }) => Key) });
        return send('AddTags', input);
      }),
      ListTags: operation(taggedResource, (input, { send }) => {
        const own = tags.of(input.ResourceArn);
        return own ? { Tags: toList(own) } : send('ListTags', input);
      }),
      DeleteTags: operation(taggedResource.extend({ TagKeys: z.array(z.string()) }), (input, { send }) => {
        if (!tags.of(input.ResourceArn)) return send('DeleteTags', input);
        tags.remove(input.ResourceArn, input.TagKeys);
        return {};
      }),
    },
  };
};
