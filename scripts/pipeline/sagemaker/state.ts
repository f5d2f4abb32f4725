import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

export const productionVariant = z.object({
  VariantName: z.string(),
  ModelName: z.string(),
  InstanceType: z.string(),
  InitialInstanceCount: z.int().min(1),
});

export const tag = z.object({ Key: z.string().min(1), Value: z.string() });

/** Seconds since 1970, as AWS's JSON protocol writes times. */
const time = z.number();

const endpointConfig = z.object({
  ProductionVariants: z.array(productionVariant).length(1),
  CreationTime: time,
});

const endpoint = z.object({
  status: z.enum(['Creating', 'Updating', 'InService', 'Failed']),
  /** What is served; while it is created, what will be. */
  config: z.string(),
  pending: z.string().exactOptional(),
  failureReason: z.string().exactOptional(),
  instances: z.int(),
  CreationTime: time,
  LastModifiedTime: time,
});

export const scalableTarget = z.object({
  ServiceNamespace: z.literal('sagemaker'),
  ResourceId: z.string(),
  ScalableDimension: z.literal('sagemaker:variant:DesiredInstanceCount'),
  MinCapacity: z.int(),
  MaxCapacity: z.int(),
});

export const scalingPolicy = z.object({
  PolicyName: z.string(),
  PolicyType: z.literal('TargetTrackingScaling'),
  ServiceNamespace: z.literal('sagemaker'),
  ResourceId: z.string(),
  ScalableDimension: z.literal('sagemaker:variant:DesiredInstanceCount'),
  TargetTrackingScalingPolicyConfiguration: z.looseObject({ TargetValue: z.number() }),
});

const stateSchema = z.object({
  endpointConfigs: z.record(z.string(), endpointConfig).default({}),
  endpoints: z.record(z.string(), endpoint).default({}),
  /** By ARN. */
  tags: z.record(z.string(), z.array(tag)).default({}),
  scalableTargets: z.array(scalableTarget).default([]),
  scalingPolicies: z.array(scalingPolicy).default([]),
});

type Contents = z.infer<typeof stateSchema>;
export type Endpoint = z.infer<typeof endpoint>;

/** An execution that was killed leaves its endpoint on its way: to what, nobody carries on. */
const settled = (endpoints: Contents['endpoints']): Contents['endpoints'] =>
  Object.fromEntries(
    Object.entries(endpoints).flatMap(([name, { pending: _, ...found }]) =>
      found.status === 'Creating'
        ? []
        : [[name, found.status === 'Updating' ? { ...found, status: 'InService' as const } : found]],
    ),
  );

/** What the local SageMaker knows of endpoints, in a file that outlives it. */
export class SageMakerState {
  readonly contents: Contents;
  readonly #file: string;
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: string, contents: Contents) {
    this.#file = file;
    this.contents = contents;
  }

  static async open(file: string): Promise<SageMakerState> {
    const text = await readFile(file, 'utf8').catch(() => '{}');
    try {
      const contents = stateSchema.parse(JSON.parse(text));
      return new SageMakerState(file, { ...contents, endpoints: settled(contents.endpoints) });
    } catch (cause) {
      throw new Error(`${file} is damaged. Remove it; the next deployment creates the endpoint anew.`, {
        cause,
      });
    }
  }

  /** Writes what is now; one write after the other. */
  save(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      await mkdir(path.dirname(this.#file), { recursive: true });
      await writeFile(`${this.#file}.tmp`, `${JSON.stringify(this.contents, null, 2)}\n`);
      await rename(`${this.#file}.tmp`, this.#file);
    });
    return this.#writing;
  }
}

export const nowInSeconds = (): number => Date.now() / 1000;
