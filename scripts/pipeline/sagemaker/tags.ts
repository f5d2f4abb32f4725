import { z } from 'zod';
import { type Operation, operation } from './operations.ts';
import { type SageMakerState, tag } from './state.ts';

/** The operations on tags. */
export const tagOperations = (state: SageMakerState): Record<string, Operation> => {
  const { tags } = state.contents;
  return {
    AddTags: operation(
      z.object({ ResourceArn: z.string(), Tags: z.array(tag) }),
      async ({ ResourceArn, Tags }) => {
        const keys = new Set(Tags.map(({ Key }) => Key));
        const others = (tags[ResourceArn] ?? []).filter(({ Key }) => !keys.has(Key));
        tags[ResourceArn] = [...others, ...Tags];
        await state.save();
        return { Tags: tags[ResourceArn] };
      },
    ),
    ListTags: operation(z.object({ ResourceArn: z.string() }), ({ ResourceArn }) => ({
      Tags: tags[ResourceArn] ?? [],
    })),
  };
};
