import { z } from 'zod';
import { AwsError, operation } from '../../../../scripts/aws-double/protocol.ts';
import type { MotoCall, MotoHandler } from './overlay.ts';

const named = z.looseObject({ ModelPackageGroupName: z.string() });
const list = z.looseObject({ ModelPackageGroupSummaryList: z.array(named) });
const packages = z.object({ ModelPackageSummaryList: z.array(z.unknown()) });

/** Moto cannot delete a model package group, and overwrites one of the same name: deleted ones are hidden here. */
export const sageMakerModelPackages = (): Readonly<Record<string, MotoHandler>> => {
  const deleted = new Set<string>();
  const key = (name: string, { region }: MotoCall) => `${region}/${name}`;

  const describe = async (input: z.infer<typeof named>, call: MotoCall) => {
    const name = input.ModelPackageGroupName;
    if (deleted.has(key(name, call)))
      throw new AwsError('ValidationException', `ModelPackageGroup ${name} does not exist.`);
    return call.send('DescribeModelPackageGroup', { ModelPackageGroupName: name });
  };
  const exists = async (input: z.infer<typeof named>, call: MotoCall) => {
    try {
      await describe(input, call);
      return true;
    } catch (error) {
      if (error instanceof AwsError && error.code === 'ValidationException') return false;
      throw error;
    }
  };

  return {
    CreateModelPackageGroup: operation(named, async (input, call) => {
      const name = input.ModelPackageGroupName;
      if (await exists(input, call))
        throw new AwsError('ValidationException', `Model Package Group already exists: ${name}`);
      const answer = await call.send('CreateModelPackageGroup', input);
      deleted.delete(key(name, call));
      return answer;
    }),
    DescribeModelPackageGroup: operation(named, describe),
    ListModelPackageGroups: operation(z.unknown(), async (input, call) => {
      const answer = list.parse(await call.send('ListModelPackageGroups', input));
      return {
        ...answer,
        ModelPackageGroupSummaryList: answer.ModelPackageGroupSummaryList.filter(
          ({ ModelPackageGroupName }) => !deleted.has(key(ModelPackageGroupName, call)),
        ),
      };
    }),
    DeleteModelPackageGroup: operation(named, async (input, call) => {
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
