import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { ROOT } from '../root.ts';

const OUTPUT = path.join(ROOT, 'cdktf.out');

const manifest = z.object({
  stacks: z.record(
    z.string(),
    z.object({
      workingDirectory: z.string(),
      synthesizedStackPath: z.string(),
      annotations: z.array(z.object({ constructPath: z.string(), level: z.string(), message: z.string() })),
    }),
  ),
});

const block = z.looseObject({ '//': z.object({ metadata: z.object({ path: z.string() }) }) });

/** What is read of a synthesized stack; the rest is kept as it is. */
export const terraformJson = z.looseObject({
  provider: z.looseObject({ aws: z.array(z.looseObject({ alias: z.string().optional() })) }),
  resource: z.record(z.string(), z.record(z.string(), block)),
  terraform: z.looseObject({
    backend: z.union([
      z.object({ local: z.object({ path: z.string() }) }),
      z.object({ s3: z.looseObject({ bucket: z.string() }) }),
    ]),
  }),
});

export type TerraformJson = z.output<typeof terraformJson>;

export interface SynthesizedStack {
  readonly name: string;
  /** Folder in which Terraform runs. */
  readonly directory: string;
  readonly json: TerraformJson;
}

/** Where the reviews of plans go, beside the synthesized stacks. */
export const reviewFile = (stack: string): string => path.join(OUTPUT, `review-${stack}.md`);

/** Where Terraform's own words about a plan go. */
export const planTextFile = (stack: string): string => path.join(OUTPUT, `plan-${stack}.txt`);

/** Where a stack's state lies unless the configuration names a bucket. */
export const localStateFile = (stack: string): string => path.join(ROOT, `terraform.${stack}.tfstate`);

/**
 * Where this stack's state lies, if in a file.
 *
 * @returns nothing when the state is in S3
 */
export const stateFile = ({ directory, json }: SynthesizedStack): string | undefined => {
  const { backend } = json.terraform;
  return 'local' in backend ? path.resolve(directory, backend.local.path) : undefined;
};

/**
 * Writes the stack as Terraform JSON, as cdktf-cli does.
 *
 * @param onWarning is told what the constructs warn of
 */
export const synthesize = async (
  environment: NodeJS.ProcessEnv,
  onWarning: (text: string) => void,
): Promise<SynthesizedStack> => {
  await promisify(execFile)(process.execPath, ['--import', 'tsx', 'main.ts'], {
    cwd: ROOT,
    env: environment,
  }).catch((error: unknown) => {
    const output = z.object({ stderr: z.string() }).safeParse(error);
    throw new Error(`The stack could not be synthesized (main.ts).\n${output.data?.stderr ?? ''}`, {
      cause: error,
    });
  });
  const read = (file: string): unknown => JSON.parse(readFileSync(path.join(OUTPUT, file), 'utf8'));
  const stacks = Object.entries(manifest.parse(read('manifest.json')).stacks);
  const [first, ...others] = stacks;
  if (!first || others.length > 0)
    throw new Error(
      `main.ts made ${stacks.length} stacks; these commands are for one. Plan and deploy them with cdktf-cli.`,
    );
  const [name, { workingDirectory, synthesizedStackPath, annotations }] = first;
  for (const { level, constructPath, message } of annotations)
    if (level === '@cdktf/warn') onWarning(`${constructPath}: ${message}`);
  return {
    name,
    directory: path.join(OUTPUT, workingDirectory),
    json: terraformJson.parse(read(synthesizedStackPath)),
  };
};
