/** Statuses in which SageMaker takes no other change. */
const BUSY = new Set(['Creating', 'Updating', 'SystemUpdating', 'RollingBack', 'Deleting']);
const ANSWERING = new Set(['InService', 'Updating', 'SystemUpdating', 'RollingBack', 'UpdateRollbackFailed']);

export interface EndpointStart {
  readonly name: string;
  readonly config: string;
  readonly status: string;
  readonly instances: number;
  readonly failureReason?: string | undefined;
}

/** One endpoint, and what lies before it. */
export class Endpoint {
  readonly name: string;
  readonly tags = new Map<string, string>();
  status: string;
  /** Name of the configuration that it serves, or is being created with. */
  config: string;
  /** Name of the configuration that it is on its way to. */
  pending: string | undefined;
  failureReason: string | undefined;
  instances: number;
  #plan: { readonly at: number; readonly step: () => void }[] = [];
  readonly #now: () => number;

  constructor({ name, config, status, instances, failureReason }: EndpointStart, now: () => number) {
    this.name = name;
    this.config = config;
    this.status = status;
    this.instances = instances;
    this.failureReason = failureReason;
    this.#now = now;
  }

  get isBusy(): boolean {
    return BUSY.has(this.status);
  }

  get answers(): boolean {
    return ANSWERING.has(this.status);
  }

  serve(config: string): void {
    this.status = 'InService';
    this.config = config;
    this.pending = undefined;
  }

  fail(reason: string): void {
    this.status = 'Failed';
    this.pending = undefined;
    this.failureReason = reason;
  }

  /** Lets something happen after so many seconds. */
  later(seconds: number, step: () => void): void {
    this.#plan.push({ at: this.#now() + seconds * 1000, step });
  }

  forgetPlans(): void {
    this.#plan = [];
  }

  /** Makes happen what is due. */
  happen(): void {
    const now = this.#now();
    const due = this.#plan.filter(({ at }) => at <= now);
    this.#plan = this.#plan.filter(({ at }) => at > now);
    for (const { step } of due) step();
  }
}
