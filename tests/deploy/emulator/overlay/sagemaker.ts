import { z } from 'zod';
import { AwsError, operation } from '../../../../scripts/aws-double/protocol.ts';
import { sageMakerStudio } from './kept-services.ts';
import { type MotoCall, type MotoHandler, type Overlay, Tags, tagList, toList, toMap } from './overlay.ts';

const namedGroup = z.looseObject({ ModelPackageGroupName: z.string() });
const groupList = z.looseObject({ ModelPackageGroupSummaryList: z.array(namedGroup) });
const packages = z.object({ ModelPackageSummaryList: z.array(z.unknown()) });

/** Moto cannot delete a model package group, and overwrites one of the same name: deleted ones are hidden here. */
const sageMakerModelPackages = (): Readonly<Record<string, MotoHandler>> => {
  const deleted = new Set<string>();
  const key = (name: string, { region }: MotoCall) => `${region}/${name}`;

  const describe = async (input: z.infer<typeof namedGroup>, call: MotoCall) => {
    const name = input.ModelPackageGroupName;
    if (deleted.has(key(name, call)))
      throw new AwsError('ValidationException', `ModelPackageGroup ${name} does not exist.`);
    return call.send('DescribeModelPackageGroup', { ModelPackageGroupName: name });
  };
  const exists = async (input: z.infer<typeof namedGroup>, call: MotoCall) => {
    try {
      await describe(input, call);
      return true;
    } catch (error) {
      if (error instanceof AwsError && error.code === 'ValidationException') return false;
      throw error;
    }
  };

  return {
    CreateModelPackageGroup: operation(namedGroup, async (input, call) => {
      const name = input.ModelPackageGroupName;
      if (await exists(input, call))
        throw new AwsError('ValidationException', `Model Package Group already exists: ${name}`);
      const answer = await call.send('CreateModelPackageGroup', input);
      deleted.delete(key(name, call));
      return answer;
    }),
    DescribeModelPackageGroup: operation(namedGroup, describe),
    ListModelPackageGroups: operation(z.unknown(), async (input, call) => {
      const answer = groupList.parse(await call.send('ListModelPackageGroups', input));
      return {
        ...answer,
        ModelPackageGroupSummaryList: answer.ModelPackageGroupSummaryList.filter(
          ({ ModelPackageGroupName }) => !deleted.has(key(ModelPackageGroupName, call)),
        ),
      };
    }),
    DeleteModelPackageGroup: operation(namedGroup, async (input, call) => {
      const name = input.ModelPackageGroupName;
      await describe(input, call);
      const inside = packages.parse(await call.send('ListModelPackages', { ModelPackageGroupName: name }));
      if (inside.ModelPackageSummaryList.length > 0)
        throw new AwsError('ConflictException', `Model Package Group ${name} still holds model packages`);
      deleted.add(key(name, call));
      return {};
    }),
  };
};

const pipelineName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,255}$/);
const pipelineCreation = z.looseObject({
  PipelineName: pipelineName,
  PipelineDefinition: z.string().min(1),
  RoleArn: z.string(),
});
const pipelineUpdate = z.looseObject({
  PipelineName: pipelineName,
  PipelineDefinition: z.string().min(1).optional(),
});

const step = z.looseObject({
  Name: z.string().regex(/^[A-Za-z0-9\-_]{1,64}$/),
  Type: z.string(),
  Arguments: z.unknown().optional(),
  DependsOn: z.array(z.string()).default([]),
});
const parameter = z.looseObject({
  Name: z.string().regex(/^[A-Za-z0-9\-_]{1,256}$/),
  Type: z.enum(['String', 'Integer', 'Float', 'Boolean']),
});
type Step = z.infer<typeof step>;
const definition = z.looseObject({
  Version: z.literal('2020-12-01'),
  Parameters: z.array(parameter).default([]),
  Steps: z.array(step).min(1),
});
const branches = z.object({ IfSteps: z.array(step).default([]), ElseSteps: z.array(step).default([]) });

const unparsable = (why: string) =>
  new AwsError('ValidationException', `Unable to parse pipeline definition. ${why}`);

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw unparsable('It is not valid JSON.');
  }
};

/** The steps, with those of a condition's branches. */
const flatten = (steps: readonly Step[]): readonly Step[] =>
  steps.flatMap((one) => {
    const inner = one.Type === 'Condition' ? branches.safeParse(one.Arguments).data : undefined;
    return inner ? [one, ...flatten(inner.IfSteps), ...flatten(inner.ElseSteps)] : [one];
  });

/** Every `{"Get": "..."}` in a value. */
const references = (value: unknown): readonly string[] => {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'Get' && typeof inner === 'string' ? [inner] : references(inner),
  );
};

/** Checks as SageMaker does when it takes a definition: its shape, unique names, references that lead somewhere. */
const check = (text: string): void => {
  const { data, error } = definition.safeParse(parse(text));
  if (error) throw unparsable(z.prettifyError(error));
  const steps = flatten(data.Steps);
  const names = new Set(steps.map(({ Name }) => Name));
  const parameters = new Set(data.Parameters.map(({ Name }) => Name));
  if (names.size < steps.length) throw unparsable('Step names must be unique.');
  if (parameters.size < data.Parameters.length) throw unparsable('Parameter names must be unique.');
  for (const { Name, DependsOn } of steps)
    for (const other of DependsOn)
      if (!names.has(other)) throw unparsable(`Step ${Name} depends on ${other}, which does not exist.`);
  for (const reference of references(data)) {
    const [kind, target = ''] = reference.split(/[.[]/);
    const known =
      (kind === 'Parameters' && parameters.has(target)) ||
      (kind === 'Steps' && names.has(target)) ||
      kind === 'Execution';
    if (!known) throw unparsable(`${reference} refers to nothing.`);
  }
};

/** Moto takes any text for a pipeline's definition. */
const sageMakerPipelines: Readonly<Record<string, MotoHandler>> = {
  CreatePipeline: operation(pipelineCreation, (input, { send }) => {
    check(input.PipelineDefinition);
    return send('CreatePipeline', input);
  }),
  UpdatePipeline: operation(pipelineUpdate, (input, { send }) => {
    if (input.PipelineDefinition !== undefined) check(input.PipelineDefinition);
    return send('UpdatePipeline', input);
  }),
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
