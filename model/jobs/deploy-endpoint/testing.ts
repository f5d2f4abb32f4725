import type { TestContext } from 'node:test';
import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { SageMakerClient, type SageMakerClientConfig } from '@aws-sdk/client-sagemaker';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { modelPackageArn, REGION } from '../../../tests/sagemaker/arns.ts';
import type { ControlPlaneOptions } from '../../../tests/sagemaker/control-plane.ts';
import { startControlPlane } from '../../../tests/sagemaker/server.ts';
import { VirtualClock } from '../../../tests/sagemaker/virtual-clock.ts';
import { type DeployResult, deployEndpoint } from './deploy-endpoint.ts';
import type { DeploySettings } from './environment.ts';

export const ENDPOINT = 'image-classifier';
export const ALARMS = ['app-endpoint-errors', 'app-endpoint-latency'];

/** Name of the model of a version. */
export const modelOf = (version: number): string => `flowers-${version}`;

export const settingsFor = (version: number, overrides: Partial<DeploySettings> = {}): DeploySettings => ({
  region: REGION,
  endpointName: ENDPOINT,
  modelName: modelOf(version),
  modelPackage: { arn: modelPackageArn('flowers', version), version },
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

export type RetryStrategy = Extract<SageMakerClientConfig['retryStrategy'], { recordSuccess: unknown }>;

/** The SDK's patience, without its pauses. */
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

export interface WorldOptions extends Pick<ControlPlaneOptions, 'statements'> {
  /** How often the SDK tries again. */
  readonly retries?: number;
}

/** A control plane, a clock that does not wait, and the job with real clients; it lasts as long as the test. */
export const startWorld = async (t: TestContext, { retries = 0, ...options }: WorldOptions = {}) => {
  const clock = new VirtualClock();
  const { plane, url, server } = await startControlPlane(t, { now: clock.now, ...options });
  const connection = {
    region: REGION,
    endpoint: url,
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
    { signal, onLine }: { signal?: AbortSignal; onLine?: (line: string) => void } = {},
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

  return { plane, clock, deploy, lines, server };
};
