import { execFile } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { type Definition, definitionSchema } from '../../../stacks/learning/pipeline-schema.ts';
import { ROOT } from '../../shared/paths.ts';

export const PIPELINES = ['train', 'model', 'deploy'] as const;
export type PipelineKey = (typeof PIPELINES)[number];

export interface NamedDefinition {
  readonly pipeline: string;
  readonly definition: Definition;
}

/** @throws Error that names every field which is not as a definition's is */
const parse = (text: string, place: string): Definition => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${place} is no JSON. ${String(cause)}`, { cause });
  }
  const { data, error } = definitionSchema.safeParse(json);
  if (data) return data;
  throw new Error(`${place} is no pipeline definition that can be run here.\n${z.prettifyError(error)}`, {
    cause: error,
  });
};

/** @throws Error when the file cannot be read or is no definition */
export const definitionFromFile = async (file: string): Promise<NamedDefinition> => {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`The definition ${file} cannot be read.`, { cause });
  });
  return { pipeline: path.parse(file).name, definition: parse(text, file) };
};

const manifestSchema = z.object({
  stacks: z.record(z.string(), z.object({ synthesizedStackPath: z.string() })),
});

const stackSchema = z.object({
  resource: z.object({
    aws_sagemaker_pipeline: z
      .record(z.string(), z.object({ pipeline_name: z.string(), pipeline_definition: z.string() }))
      .default({}),
  }),
});

const synthesize = async (outputDirectory: string, signal: AbortSignal | undefined): Promise<void> => {
  await promisify(execFile)(process.execPath, ['--import', 'tsx', 'main.ts'], {
    cwd: ROOT,
    env: { ...process.env, CDKTF_OUTDIR: outputDirectory },
    ...(signal && { signal }),
  }).catch((cause: unknown) => {
    const { data } = z.object({ stderr: z.string() }).safeParse(cause);
    throw new Error(`The Terraform could not be made (npm run synth).\n${data?.stderr.trim() ?? ''}`, {
      cause,
    });
  });
};

/**
 * The very definition that Terraform would give to SageMaker: `aws_sagemaker_pipeline.learning-pipeline-<key>`.
 *
 * @param directory is made for the Terraform, and taken away again
 */
export const definitionFromTerraform = async (
  key: PipelineKey,
  directory: string,
  signal?: AbortSignal,
): Promise<NamedDefinition> => {
  const read = async (file: string): Promise<unknown> =>
    JSON.parse(await readFile(path.join(directory, file), 'utf8'));
  try {
    await mkdir(directory, { recursive: true });
    await synthesize(directory, signal);
    const address = `learning-pipeline-${key}`;
    for (const { synthesizedStackPath } of Object.values(
      manifestSchema.parse(await read('manifest.json')).stacks,
    )) {
      const { resource } = stackSchema.parse(await read(synthesizedStackPath));
      const found = resource.aws_sagemaker_pipeline[address];
      if (!found) continue;
      const place = `aws_sagemaker_pipeline.${address}`;
      return { pipeline: found.pipeline_name, definition: parse(found.pipeline_definition, place) };
    }
    throw new Error(`The Terraform has no aws_sagemaker_pipeline.${address}.`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};
