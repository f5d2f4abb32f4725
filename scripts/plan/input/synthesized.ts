import { z } from 'zod';
import { type Values, values } from './json.ts';

const comment = z.looseObject({ metadata: z.looseObject({ path: z.string() }) });
const blocks = z.record(z.string(), z.record(z.string(), values));

const synthesizedStack = z.looseObject({
  // Tests of cdktf leave it out.
  '//': z.looseObject({ metadata: z.looseObject({ stackName: z.string() }) }).optional(),
  provider: z
    .looseObject({
      aws: z.array(
        z.looseObject({
          region: z.string().optional(),
          allowed_account_ids: z.array(z.string()).optional(),
        }),
      ),
    })
    .optional(),
  resource: blocks,
});

/** A resource as the code writes it: what is only known at apply stands there as `${aws_vpc.main.id}`. */
export interface Declaration {
  /** Constructs around it: `<stack>/<area>/...`. */
  readonly path: readonly string[];
  readonly values: Values;
}

export interface SynthesizedStack {
  readonly name: string;
  readonly region: string | undefined;
  readonly account: string | undefined;
  readonly resources: ReadonlyMap<string, Declaration>;
}

const declarationsOf = (byType: z.output<typeof blocks>): ReadonlyMap<string, Declaration> =>
  new Map(
    Object.entries(byType).flatMap(([type, byName]) =>
      Object.entries(byName).map(([name, { '//': about, ...declared }]) => {
        const { data } = comment.safeParse(about);
        return [`${type}.${name}`, { path: data?.metadata.path.split('/') ?? [], values: declared }] as const;
      }),
    ),
  );

/**
 * Reads `cdk.tf.json`, which cdktf writes for a stack.
 *
 * @throws Error when it is something else
 */
export const parseSynthesizedStack = (synthesized: unknown): SynthesizedStack => {
  const { data, error } = synthesizedStack.safeParse(synthesized);
  if (!data)
    throw new Error(
      `This is no stack as cdktf writes it, so the plan cannot be compared with the code:\n${z.prettifyError(error)}\nWrite it with npm run synth and give its cdk.tf.json.`,
      { cause: error },
    );
  const provider = data.provider?.aws[0];
  return {
    name: data['//']?.metadata.stackName ?? 'the stack',
    region: provider?.region,
    account: provider?.allowed_account_ids?.[0],
    resources: declarationsOf(data.resource),
  };
};
