import { z } from 'zod';
import { errorText } from '../../../../model/shared/text.ts';
import { invalid, operation } from '../../../../scripts/aws-double/protocol.ts';
import { checkSteps } from '../../../../scripts/pipeline/definition.ts';
import { definitionSchema, referencesIn } from '../../../../stacks/learning/pipeline-schema.ts';
import { sageMakerStudio } from './kept-services.ts';
import { type MotoCall, type MotoHandler, type Overlay, Tags, tagList, toList, toMap } from './overlay.ts';

const namedGroup = z.looseObject({ ModelPackageGroupName: z.string() });

/** Moto cannot delete a model package group: deleted ones are hidden here. */
const sageMakerModelPackages = (): Readonly<Record<string, MotoHandler>> => {
  const deleted = new Set<string>();
  const key = ({ ModelPackageGroupName }: z.infer<typeof namedGroup>, { region }: MotoCall) =>
    `${region}/${ModelPackageGroupName}`;
  return {
    CreateModelPackageGroup: operation(namedGroup, async (input, call) => {
      const answer = await call.send('CreateModelPackageGroup', input);
      deleted.delete(key(input, call));
      return answer;
    }),
    DescribeModelPackageGroup: operation(namedGroup, async (input, call) => {
      if (deleted.has(key(input, call)))
        throw invalid(`ModelPackageGroup ${input.ModelPackageGroupName} does not exist.`);
      return call.send('DescribeModelPackageGroup', input);
    }),
    DeleteModelPackageGroup: operation(namedGroup, async (input, call) => {
      deleted.add(key(input, call));
      return {};
    }),
  };
};

/** Checks as SageMaker does when it takes a definition: its shape, unique names, references that lead somewhere. */
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
const pipelineOperation = (name: string): MotoHandler =>
  operation(defined, (input, { send }) => {
    check(input.PipelineDefinition);
    return send(name, input);
  });

/** Moto takes any text for a pipeline's definition. */
const sageMakerPipelines: Readonly<Record<string, MotoHandler>> = {
  CreatePipeline: pipelineOperation('CreatePipeline'),
  UpdatePipeline: pipelineOperation('UpdatePipeline'),
};

const taggedResource = z.looseObject({ ResourceArn: z.string() });

/** Moto's gaps in SageMaker. Tags of what the overlay keeps are here, those of all else in moto. */
export const sageMaker = (): Overlay => {
  const tags = new Tags();
  return {
    service: 'SageMaker',
    operations: {
      ...sageMakerStudio(tags),
      ...sageMakerModelPackages(),
      ...sageMakerPipelines,
      AddTags: operation(taggedResource.extend({ Tags: tagList }), async (input, { send }) => {
        const { ResourceArn, Tags: added } = input;
        if (tags.of(ResourceArn)) {
          tags.add(ResourceArn, toMap(added));
          return { Tags: toList(tags.of(ResourceArn) ?? {}) };
        }
        // Moto would keep the old value of a tag beside the new one.
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
