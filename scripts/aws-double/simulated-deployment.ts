import type { TestContext } from 'node:test';
import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { SageMakerClient, type SageMakerClientConfig } from '@aws-sdk/client-sagemaker';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { configName } from '../../model/jobs/deploy/endpoint-config.ts';
import { type DeployResult, deployEndpoint } from '../../model/jobs/deploy/job.ts';
import type { DeploySettings } from '../../model/jobs/deploy/settings.ts';
import { arn } from './protocol.ts';
import { AwsDouble, type AwsDoubleOptions } from './server.ts';
import { SimulatedModels, VirtualClock } from './simulation.ts';
import { AwsState } from './state.ts';

/** Beside the double and not the job: what is below model/ is compiled into the images. */

export const PLACE = { region: 'ap-northeast-2', account: '123456789012' } as const;
export const ENDPOINT_NAME = 'image-classifier';
export const ENDPOINT_ARN = arn(PLACE, 'sagemaker', `endpoint/${ENDPOINT_NAME}`);
export const ALARMS = ['app-endpoint-errors', 'app-endpoint-latency'];
/** What the double keeps of the endpoint's autoscaling after a deployment. */
export const SCALING = { min: 1, max: 4, policies: [`${ENDPOINT_NAME}-invocations`] };

export const modelName = (version: number): string => `flowers-${version}`;

export const settingsFor = (version: number, overrides: Partial<DeploySettings> = {}): DeploySettings => ({
  region: PLACE.region,
  endpointName: ENDPOINT_NAME,
  modelName: modelName(version),
  modelPackage: { arn: arn(PLACE, 'sagemaker', `model-package/flowers/${version}`), version },
  expectedModelVersion: undefined,
  instanceType: 'ml.m5.large',
  minInstances: 1,
  maxInstances: 4,
  invocationsPerInstance: 1200,
  rollbackAlarms: ALARMS,
  bakingSeconds: 300,
  pollSeconds: 100,
  limitMinutes: 100,
  ...overrides,
});

/** Name of the configuration of a version. */
export const configFor = (version: number): string => configName(settingsFor(version));

export type RetryStrategy = Extract<SageMakerClientConfig['retryStrategy'], { recordSuccess: unknown }>;

/** The SDK's retries, without its pauses. */
export const retryAtOnce = (retries: number): RetryStrategy => {
  const token = (count: number) => ({ getRetryCount: () => count, getRetryDelay: () => 0 });
  return {
    acquireInitialRetryToken: async () => token(0),
    refreshRetryTokenForRetry: async (last, { errorType }) => {
      if (errorType === 'CLIENT_ERROR' || last.getRetryCount() >= retries)
        throw new Error('No more retries.');
      return token(last.getRetryCount() + 1);
    },
    recordSuccess: () => undefined,
  };
};

/** The double on a virtual clock, with models that only pretend; it lasts as long as the test. */
export const startAwsDouble = async (t: TestContext, options: Pick<AwsDoubleOptions, 'statements'> = {}) => {
  const clock = new VirtualClock();
  const models = new SimulatedModels();
  const state = AwsState.inMemory();
  const { now } = clock;
  const aws = new AwsDouble({ host: models, now, state, place: PLACE, deletionSeconds: 60, ...options });
  const server = await aws.start();
  t.after(server.stop);
  const addConfig = (name: string, model: string): void =>
    aws.configs.create({
      EndpointConfigName: name,
      ProductionVariants: [
        {
          VariantName: 'AllTraffic',
          ModelName: model,
          InstanceType: 'ml.m5.large',
          InitialInstanceCount: 1,
        },
      ],
    });
  return {
    aws,
    clock,
    models,
    server,
    addConfig,
    addModels: (...versions: readonly number[]): void => {
      for (const version of versions) models.add(modelName(version));
    },
    /** Adds the configurations that earlier deployments have left. */
    addConfigs: (...versions: readonly number[]): void => {
      for (const version of versions) addConfig(configFor(version), modelName(version));
    },
    tags: (): Record<string, string> =>
      Object.fromEntries((state.contents.tags[ENDPOINT_ARN] ?? []).map(({ Key, Value }) => [Key, Value])),
    forgetTags: (): void => {
      state.contents.tags[ENDPOINT_ARN] = [];
    },
  };
};

export interface SimulationOptions extends Pick<AwsDoubleOptions, 'statements'> {
  /** How often the SDK tries again. */
  readonly retries?: number;
}

interface RunOptions {
  readonly signal?: AbortSignal;
  readonly onLine?: (line: string) => void;
}

/** Does something as soon as the job reports a line with some words. */
export const when = (words: string, act: () => void): RunOptions => ({
  onLine: (line) => {
    if (line.includes(words)) act();
  },
});

/** The double, and the job with real clients. */
export const startSimulation = async (
  t: TestContext,
  { retries = 0, ...options }: SimulationOptions = {},
) => {
  const started = await startAwsDouble(t, options);
  const { clock, server } = started;
  const connection = {
    region: PLACE.region,
    endpoint: server.url,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    retryStrategy: retryAtOnce(retries),
  };
  const clients = {
    sageMaker: new SageMakerClient(connection),
    scaling: new ApplicationAutoScalingClient(connection),
    runtime: new SageMakerRuntimeClient(connection),
  };
  t.after(() => {
    for (const client of Object.values(clients)) client.destroy();
  });
  const lines: string[] = [];

  /** Deploys the model of a version, as one run of the job. */
  const deploy = (
    version: number,
    overrides: Partial<DeploySettings> = {},
    { signal, onLine }: RunOptions = {},
  ): Promise<DeployResult> =>
    deployEndpoint({
      settings: settingsFor(version, overrides),
      clients,
      clock,
      startedAt: clock.now(),
      signal,
      report: (line) => {
        lines.push(line);
        onLine?.(line);
      },
    });

  return { ...started, deploy, lines };
};
