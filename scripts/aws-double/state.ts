import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

export const productionVariant = z.strictObject({
  VariantName: z.string(),
  ModelName: z.string(),
  InstanceType: z.string(),
  InitialInstanceCount: z.int().min(1),
});

export const endpointTagList = z.array(
  z.strictObject({ Key: z.string().min(1).max(128), Value: z.string().max(256) }),
);

/** Seconds since 1970. */
const time = z.number();

const endpointConfig = z.object({ ProductionVariants: z.tuple([productionVariant]), CreationTime: time });

/** Statuses in which SageMaker refuses changes. */
const BUSY = ['Creating', 'Updating', 'SystemUpdating', 'RollingBack', 'Deleting'] as const;
const SETTLED = ['InService', 'OutOfService', 'UpdateRollbackFailed', 'Failed'] as const;
const ANSWERING: readonly string[] = [
  'InService',
  'Updating',
  'SystemUpdating',
  'RollingBack',
  'UpdateRollbackFailed',
];

const endpoint = z.object({
  status: z.enum([...BUSY, ...SETTLED]),
  /** Name of the configuration in service, or of the first one while the endpoint is being created. */
  config: z.string(),
  /** Name of the configuration that is being rolled out. */
  pending: z.string().exactOptional(),
  failureReason: z.string().exactOptional(),
  instances: z.int(),
  CreationTime: time,
  LastModifiedTime: time,
});
export type Endpoint = z.infer<typeof endpoint>;
export type EndpointStatus = Endpoint['status'];

export const isBusy = ({ status }: Endpoint): boolean => BUSY.some((busy) => busy === status);
export const isAnswering = ({ status }: Endpoint): boolean => ANSWERING.includes(status);

/** Identifies the scalable target of an endpoint's variant. */
export const scalable = z.strictObject({
  ServiceNamespace: z.literal('sagemaker'),
  ScalableDimension: z.literal('sagemaker:variant:DesiredInstanceCount'),
  ResourceId: z.string().regex(/^endpoint\/[^/]+\/variant\/[^/]+$/),
});
export const scalableTarget = scalable.extend({
  MinCapacity: z.int().min(0),
  MaxCapacity: z.int().min(0),
});
export const scalingPolicy = scalable.extend({
  PolicyName: z.string(),
  PolicyType: z.literal('TargetTrackingScaling'),
  TargetTrackingScalingPolicyConfiguration: z.strictObject({
    PredefinedMetricSpecification: z.strictObject({
      PredefinedMetricType: z.literal('SageMakerVariantInvocationsPerInstance'),
    }),
    TargetValue: z.number().positive(),
    ScaleInCooldown: z.int().min(0),
    ScaleOutCooldown: z.int().min(0),
  }),
});

const stateSchema = z.object({
  endpointConfigs: z.record(z.string(), endpointConfig).default({}),
  endpoints: z.record(z.string(), endpoint).default({}),
  /** By ARN. */
  tags: z.record(z.string(), endpointTagList).default({}),
  scalableTargets: z.array(scalableTarget).default([]),
  scalingPolicies: z.array(scalingPolicy).default([]),
});
type Contents = z.infer<typeof stateSchema>;

/** Ends the changes that were in progress when the process was killed. */
const settle = (endpoints: Contents['endpoints']): Contents['endpoints'] =>
  Object.fromEntries(
    Object.entries(endpoints).flatMap(([name, found]) => {
      if (!isBusy(found)) return [[name, found]];
      if (found.status === 'Creating' || found.status === 'Deleting') return [];
      const { pending: _, ...served } = found;
      return [[name, { ...served, status: 'InService' as const }]];
    }),
  );

/** The state of endpoints and their autoscaling, in memory or in a file. */
export class AwsState {
  readonly contents: Contents;
  readonly #file: string | undefined;

  private constructor(contents: Contents, file?: string) {
    this.contents = contents;
    this.#file = file;
  }

  static inMemory(): AwsState {
    return new AwsState(stateSchema.parse({}));
  }

  /**
   * @param file JSON; need not exist
   * @throws Error if it is damaged
   */
  static inFile(file: string): AwsState {
    try {
      const contents = stateSchema.parse(JSON.parse(existsSync(file) ? readFileSync(file, 'utf8') : '{}'));
      return new AwsState({ ...contents, endpoints: settle(contents.endpoints) }, file);
    } catch (cause) {
      throw new Error(`${file} is damaged. Remove it; the next deployment creates the endpoint again.`, {
        cause,
      });
    }
  }

  save(): void {
    if (this.#file === undefined) return;
    mkdirSync(path.dirname(this.#file), { recursive: true });
    writeFileSync(`${this.#file}.tmp`, `${JSON.stringify(this.contents, null, 2)}\n`);
    renameSync(`${this.#file}.tmp`, this.#file);
  }
}
