import type { TestContext } from 'node:test';
import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { SageMakerClient, type SageMakerClientConfig } from '@aws-sdk/client-sagemaker';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { z } from 'zod';
import { isTrialEndpoint, trialEndpointName } from '../../model/contract/sagemaker-jobs.ts';
import { INPUT_NAME, PHOTO_BYTES } from '../../model/contract/tensors.ts';
import { configName } from '../../model/jobs/deploy/endpoint-config.ts';
import { type DeployResult, deployEndpoint } from '../../model/jobs/deploy/job.ts';
import type { DeploySettings } from '../../model/jobs/deploy/settings.ts';
import type { ModelHost, Rollout, RolloutOutcome } from './endpoints.ts';
import { AwsError, arn } from './protocol.ts';
import { AwsDouble, type AwsDoubleOptions, isChange, type Operation } from './server.ts';
import { AwsState } from './state.ts';

/** In this folder and not next to the job, because what is below model/ is compiled into the images. */

const PLACE = { region: 'ap-northeast-2', account: '123456789012' } as const;
export const ENDPOINT_NAME = 'image-classifier';
export const TRIAL_NAME = trialEndpointName(ENDPOINT_NAME);
export const ENDPOINT_ARN = arn(PLACE, 'sagemaker', `endpoint/${ENDPOINT_NAME}`);
export const ALARMS = ['app-endpoint-errors', 'app-endpoint-latency'];
/** The endpoint's autoscaling after a deployment. */
export const SCALING = { min: 1, max: 4, policies: [`${ENDPOINT_NAME}-invocations`] };

export const modelName = (version: number): string => `flowers-${version}`;

export const settingsFor = (version: number, overrides: Partial<DeploySettings> = {}): DeploySettings => ({
  region: PLACE.region,
  endpointName: ENDPOINT_NAME,
  modelName: modelName(version),
  modelPackage: { arn: arn(PLACE, 'sagemaker', `model-package/flowers/${version}`), version },
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

export const configFor = (version: number): string => configName(settingsFor(version));

type RetryStrategy = Extract<SageMakerClientConfig['retryStrategy'], { recordSuccess: unknown }>;

const retryToken = (count: number) => ({ getRetryCount: () => count, getRetryDelay: () => 0 });

/** The SDK's retries, without its pauses. */
const retryAtOnce = (retries: number): RetryStrategy => ({
  acquireInitialRetryToken: async () => retryToken(0),
  refreshRetryTokenForRetry: async (last, { errorType }) => {
    if (errorType === 'CLIENT_ERROR' || last.getRetryCount() >= retries) throw new Error('No more retries.');
    return retryToken(last.getRetryCount() + 1);
  },
  recordSuccess: () => undefined,
});

/** A clock that jumps ahead whenever all tasks are sleeping. */
class VirtualClock {
  #now = Date.UTC(2026, 10, 1);
  #runners = 1;
  #sleepers: { readonly at: number; readonly wake: () => void }[] = [];

  readonly now = (): number => this.#now;

  readonly sleep = (milliseconds: number, signal?: AbortSignal): Promise<void> => {
    signal?.throwIfAborted();
    const at = this.#now + milliseconds;
    return new Promise((wake) => {
      this.#sleepers.push({ at, wake });
      this.#wakeNext();
    });
  };

  advance(minutes: number): void {
    this.#now += minutes * 60_000;
  }

  /** Runs several tasks concurrently on this clock. */
  async together<T>(...tasks: readonly (() => Promise<T>)[]): Promise<PromiseSettledResult<T>[]> {
    this.#runners = tasks.length;
    const results = await Promise.allSettled(
      tasks.map(async (task) => {
        try {
          return await task();
        } finally {
          this.#runners--;
          this.#wakeNext();
        }
      }),
    );
    this.#runners = 1;
    return results;
  }

  #wakeNext(): void {
    if (this.#sleepers.length === 0 || this.#sleepers.length < this.#runners) return;
    const [next, ...later] = this.#sleepers.toSorted((one, other) => one.at - other.at);
    this.#sleepers = later;
    this.#now = Math.max(this.#now, next?.at ?? 0);
    next?.wake();
  }
}

/** How long SageMaker takes for each phase. */
const SECONDS = { starting: 300, givingUp: 1500, alarm: 120, rollingBack: 90 } as const;

const NOT_READY =
  'The primary container for production variant AllTraffic did not pass the ping health check. Please check CloudWatch logs for this endpoint.';

interface ModelBehavior {
  /** Whether its container starts: in time, not before SageMaker gives up, or never while SageMaker keeps waiting. */
  readonly container?: 'ready' | 'broken' | 'stuck';
  /** Alarms that go off while it is in service. */
  readonly alarms?: readonly string[];
  /** Whether these problems appear only after the trial. */
  readonly passesTrial?: boolean;
  /** Fields that differ from those of a good answer, or the whole text of the answer. */
  readonly answer?: Readonly<Record<string, unknown>> | string;
}

const photo = z.string().refine((base64) => Buffer.from(base64, 'base64').length === PHOTO_BYTES);
const invocation = z.strictObject({
  instances: z.array(z.strictObject({ [INPUT_NAME]: z.strictObject({ b64: photo }) })).min(1),
});

const modelError = (): AwsError =>
  new AwsError('ModelError', 'Received client error (400) from primary.', {
    status: 424,
    fields: { OriginalStatusCode: 400, OriginalMessage: 'Invalid input', LogStreamArn: '' },
  });

/** Simulated models: they take as long as SageMaker's on the virtual clock, and behave as configured. */
class SimulatedModels implements ModelHost {
  readonly #models = new Map<string, ModelBehavior>();
  /** SageMaker does not always say why it rolled back. */
  givesReasons = true;

  add(name: string, behavior: ModelBehavior = {}): void {
    this.#models.set(name, behavior);
  }

  readonly has = (name: string): boolean => this.#models.has(name);

  #behavior(name: string, endpoint: string): ModelBehavior {
    const behavior = this.#models.get(name) ?? {};
    return behavior.passesTrial && isTrialEndpoint(endpoint) ? {} : behavior;
  }

  readonly serve = async (name: string, rollout: Rollout): Promise<RolloutOutcome | undefined> => {
    const { container, alarms = [] } = this.#behavior(name, rollout.endpoint);
    const raised = rollout.bakingSeconds > 0 && alarms.find((alarm) => rollout.alarms.includes(alarm));
    const fail = (seconds: number, reason: string) => ({
      succeeded: false,
      seconds,
      rollbackSeconds: SECONDS.rollingBack,
      failureReason: this.givesReasons ? reason : undefined,
    });
    if (container === 'stuck') return undefined;
    if (container === 'broken') return fail(SECONDS.givingUp, NOT_READY);
    if (raised) return fail(SECONDS.starting + SECONDS.alarm, `Alarm ${raised} is in state ALARM.`);
    return { succeeded: true, seconds: SECONDS.starting + rollout.bakingSeconds };
  };

  /** Reports the model's name as its version. */
  readonly invoke = async (name: string, body: string, endpoint: string): Promise<string> => {
    const { success, data } = invocation.safeParse(JSON.parse(body));
    if (!success) throw modelError();
    const { answer } = this.#behavior(name, endpoint);
    if (typeof answer === 'string') return answer;
    const prediction = {
      probabilities: [0.125, 0.75, 0.125],
      label: 'bellflower',
      classes: ['astilbe', 'bellflower', 'black_eyed_susan'],
      model_version: name,
      ...answer,
    };
    return JSON.stringify({ predictions: data.instances.map(() => prediction) });
  };
}

export interface SimulationOptions extends Pick<AwsDoubleOptions, 'statements' | 'registry'> {
  /** How often the SDK retries. */
  readonly retries?: number;
  /** Versions of the models without problems. @default [7, 8] */
  readonly models?: readonly number[];
  /** Version that the endpoint serves at the start. @default - no endpoint */
  readonly serving?: number;
  /** Version that the job has deployed already. @default - none */
  readonly deployed?: number;
}

interface RunOptions {
  readonly signal?: AbortSignal;
  readonly onLine?: (line: string) => void;
  readonly tried?: boolean;
}

/** Acts as soon as the job reports a line with the given words. */
export const when = (words: string, act: () => void): RunOptions => ({
  onLine: (line) => {
    if (line.includes(words)) act();
  },
});

/** The deployment job with real clients, against a double with a virtual clock and simulated models. Ends with the test. */
export const startSimulation = async (
  t: TestContext,
  { retries = 0, models: versions = [7, 8], serving, deployed, ...options }: SimulationOptions = {},
) => {
  const clock = new VirtualClock();
  const models = new SimulatedModels();
  const state = AwsState.inMemory();
  const { now } = clock;
  const aws = new AwsDouble({ host: models, now, state, place: PLACE, deletionSeconds: 60, ...options });
  const server = await aws.start();
  t.after(server.stop);
  const addConfig = (name: string, model: string): void => {
    const variant = { VariantName: 'AllTraffic', InstanceType: 'ml.m5.large', InitialInstanceCount: 1 };
    aws.configs.create({ EndpointConfigName: name, ProductionVariants: [{ ...variant, ModelName: model }] });
  };
  /** Calls that were performed and do not concern the trial. */
  const calls = () => aws.calls.filter(({ input }) => !JSON.stringify(input).includes(TRIAL_NAME));
  for (const version of versions) models.add(modelName(version));
  /** Adds the configurations that earlier deployments left behind. */
  const addConfigs = (...earlier: readonly number[]): void => {
    for (const version of earlier) addConfig(configFor(version), modelName(version));
  };
  if (serving !== undefined) {
    addConfigs(serving);
    aws.endpoints.add(ENDPOINT_NAME, configFor(serving));
  }
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
    { signal, onLine, tried }: RunOptions = {},
  ): Promise<DeployResult> =>
    deployEndpoint(
      {
        settings: settingsFor(version, overrides),
        clients,
        clock,
        startedAt: clock.now(),
        signal,
        report: (line) => {
          lines.push(line);
          onLine?.(line);
        },
      },
      { tried },
    );

  if (deployed !== undefined) await deploy(deployed);
  return {
    aws,
    clock,
    models,
    server,
    addConfig,
    /** The operations that changed something, in order. */
    changes: () => calls().flatMap(({ operation }) => (isChange(operation) ? operation : [])),
    inputs: (operation: Operation) =>
      calls().flatMap((call) => (call.operation === operation ? [call.input] : [])),
    answering: () => aws.endpoints.answering(ENDPOINT_NAME),
    addConfigs,
    clients,
    deploy,
    lines,
    tags: (): Record<string, string> =>
      Object.fromEntries((state.contents.tags[ENDPOINT_ARN] ?? []).map(({ Key, Value }) => [Key, Value])),
    forgetTags: (): void => {
      state.contents.tags[ENDPOINT_ARN] = [];
    },
  };
};
