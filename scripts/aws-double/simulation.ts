import { z } from 'zod';
import { INPUT_NAME, PHOTO_BYTES } from '../../model/contract/tensors.ts';
import type { ModelHost, Rollout, RolloutOutcome } from './endpoints.ts';
import { AwsError } from './protocol.ts';

/** Time that passes only while everyone sleeps, and then at once. */
export class VirtualClock {
  #now = Date.UTC(2026, 10, 1);
  #runners = 1;
  #sleepers: { readonly at: number; readonly wake: () => void }[] = [];

  readonly now = (): number => this.#now;

  readonly sleep = (milliseconds: number, signal?: AbortSignal): Promise<void> => {
    signal?.throwIfAborted();
    return new Promise((wake) => {
      this.#sleepers.push({ at: this.#now + milliseconds, wake });
      this.#wakeNext();
    });
  };

  advance(minutes: number): void {
    this.#now += minutes * 60_000;
  }

  /** Runs several tasks at once, on the same time. */
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

/** How long SageMaker takes for what. */
const SECONDS = { starting: 300, givingUp: 1500, alarm: 120, rollingBack: 90 } as const;

const NOT_READY =
  'The primary container for production variant AllTraffic did not pass the ping health check. Please check CloudWatch logs for this endpoint.';

/** How a model fares on an endpoint. */
export interface ModelBehavior {
  /** Whether its container gets ready: in time, never so that SageMaker gives up, or never and SageMaker waits on. */
  readonly container?: 'ready' | 'broken' | 'stuck';
  /** Alarms that go off while it serves. */
  readonly alarms?: readonly string[];
  /** Fields of its answer to a photo that differ from a good one; or the whole text. */
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

/** Models that only pretend: they take SageMaker's time by the clock, and behave as they were told to. */
export class SimulatedModels implements ModelHost {
  readonly #models = new Map<string, ModelBehavior>();
  /** SageMaker does not always say why it has rolled back. */
  givesReasons = true;

  add(name: string, behavior: ModelBehavior = {}): void {
    this.#models.set(name, behavior);
  }

  readonly has = (name: string): boolean => this.#models.has(name);

  readonly serve = async (name: string, rollout: Rollout): Promise<RolloutOutcome | undefined> => {
    const { container, alarms = [] } = this.#models.get(name) ?? {};
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

  /** Its model's version is its name. */
  readonly invoke = (name: string, body: string): string => {
    const { success, data } = invocation.safeParse(JSON.parse(body));
    if (!success) throw modelError();
    const { answer } = this.#models.get(name) ?? {};
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
