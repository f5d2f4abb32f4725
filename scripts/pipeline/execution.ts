import { setTimeout as sleep } from 'node:timers/promises';
import type { LimitFunction } from 'p-limit';
import pLimit from 'p-limit';
import { branchSteps, type Definition, type DefinitionStep } from '../../stacks/learning/pipeline-schema.ts';
import {
  checkDefinition,
  dependenciesOf,
  holds,
  resolve,
  type Scalar,
  type Scope,
  type StepOutput,
} from './definition.ts';

/** Failures that SageMaker's retry policies tell apart. */
type RetriedException =
  | 'Step.SERVICE_FAULT'
  | 'Step.THROTTLING'
  | 'SageMaker.JOB_INTERNAL_ERROR'
  | 'SageMaker.CAPACITY_ERROR';

interface StepFailureOptions extends ErrorOptions {
  /** @default none: whatever failed will fail again, and is not repeated */
  readonly exception?: RetriedException;
}

/** A step has failed; the message says why. */
export class StepFailure extends Error {
  override readonly name = 'StepFailure';
  readonly exception: RetriedException | undefined;

  constructor(message: string, { exception, ...options }: StepFailureOptions = {}) {
    super(message, options);
    this.exception = exception;
  }
}

/** A step was told to end before its time. */
export class StepStopped extends Error {
  override readonly name = 'StepStopped';
}

/** A step that something outside of the definition carries out. */
type WorkingStep = Exclude<DefinitionStep, { Type: 'Condition' | 'Fail' }>;

export interface StepContext {
  readonly executionId: string;
  /** Aborted, it ends the step in order. */
  readonly signal: AbortSignal;
  /** Tells what the step is at. */
  readonly report: (note: string) => void;
  /** Tells what a person should look at, even if the step succeeds. */
  readonly warn: (text: string) => void;
}

/**
 * Carries a step out.
 *
 * @param step as the definition has it
 * @param request the step's `Arguments`, with the values of all variables
 * @throws StepFailure, StepStopped
 */
export type StepRunner = (step: WorkingStep, request: unknown, context: StepContext) => Promise<StepOutput>;

type StepStatus = 'Waiting' | 'Executing' | 'Succeeded' | 'Failed' | 'Stopped' | 'NotRun';

/** What a step does at the moment. */
export interface StepState {
  readonly name: string;
  readonly type: DefinitionStep['Type'];
  /** The condition on one of whose branches it stands. */
  readonly condition: string | undefined;
  readonly status: StepStatus;
  /** Milliseconds since 1970. */
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** The last that it told, such as its metrics; or why it failed or was not run. */
  readonly note?: string;
  /** What a person should look at, each once. */
  readonly warnings?: readonly string[];
}

/** Is told of each change of a step. */
type StepListener = (state: StepState) => void;

export type RetryPolicies = Extract<DefinitionStep, { Type: 'Training' }>['RetryPolicies'];

interface RetryOptions {
  readonly policies: RetryPolicies;
  /** Share of a policy's intervals that is really waited. */
  readonly timeScale: number;
  readonly signal: AbortSignal;
  /** Told before each wait. */
  readonly onRetry: (failure: StepFailure, retry: number, attempts: number) => void;
}

const pause = async (milliseconds: number, signal: AbortSignal): Promise<void> => {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch (error) {
    throw new StepStopped('Stopped before it was tried again.', { cause: error });
  }
};

/**
 * Runs `attempt` until it succeeds, or fails in a way that no policy covers, or more often than its policy allows. Each
 * policy counts the failures that it covers.
 */
export const withRetries = async <T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> => {
  const { policies, timeScale, signal, onRetry } = options;
  const retries = new Map<RetryPolicies[number], number>();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof StepFailure) || error.exception === undefined) throw error;
      const { exception } = error;
      const policy = policies.find(({ ExceptionType }) => ExceptionType.includes(exception));
      const before = policy ? (retries.get(policy) ?? 0) : 0;
      if (!policy || before >= policy.MaxAttempts) throw error;
      retries.set(policy, before + 1);
      onRetry(error, before + 1, policy.MaxAttempts);
      const seconds = policy.IntervalSeconds * policy.BackoffRate ** before;
      await pause(seconds * 1000 * timeScale, signal);
    }
  }
};

type Condition = Extract<DefinitionStep, { Type: 'Condition' }>;
type Fail = Extract<DefinitionStep, { Type: 'Fail' }>;

export interface ExecutionOptions {
  readonly id: string;
  readonly arn: string;
  readonly definition: Definition;
  readonly parameters: ReadonlyMap<string, Scalar>;
  readonly run: StepRunner;
  /** Outputs of steps that succeeded before: they are not run again. */
  readonly earlier?: ReadonlyMap<string, StepOutput>;
  /** Steps that run side by side. */
  readonly parallel: number;
  /** Share of the retry policies' intervals that is really waited. */
  readonly timeScale: number;
  readonly signal: AbortSignal;
  readonly onChange: StepListener;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/**
 * One execution of a pipeline, by SageMaker's rules: a step runs as soon as all that it refers to have succeeded; after
 * a failure those that run are finished, and no others are begun.
 */
export class Execution {
  readonly #options: ExecutionOptions;
  readonly #limit: LimitFunction;
  readonly #states = new Map<string, StepState>();
  readonly #ended = new Map<string, Promise<StepStatus>>();
  readonly #outputs: Map<string, StepOutput>;
  #halted = false;
  #stopped = false;

  /** @throws Error when the definition cannot be run */
  constructor(options: ExecutionOptions) {
    checkDefinition(options.definition);
    this.#options = options;
    this.#limit = pLimit(options.parallel);
    this.#outputs = new Map(options.earlier);
    for (const step of options.definition.Steps) {
      this.#register(step, undefined);
      for (const inner of branchSteps(step)) this.#register(inner, step.Name);
    }
  }

  #register({ Name: name, Type: type }: DefinitionStep, condition: string | undefined): void {
    this.#states.set(name, { name, type, condition, status: 'Waiting' });
  }

  /** Every step, in the order of the definition. */
  get states(): readonly StepState[] {
    return [...this.#states.values()];
  }

  /** How it ended. */
  get status(): 'Succeeded' | 'Failed' | 'Stopped' {
    if (this.states.some(({ status }) => status === 'Failed')) return 'Failed';
    return this.#stopped ? 'Stopped' : 'Succeeded';
  }

  /** What the steps that have succeeded gave. */
  get outputs(): ReadonlyMap<string, StepOutput> {
    return this.#outputs;
  }

  get #scope(): Scope {
    const { id: PipelineExecutionId, arn: PipelineExecutionArn, parameters } = this.#options;
    return { parameters, execution: { PipelineExecutionId, PipelineExecutionArn }, outputs: this.#outputs };
  }

  /** Runs every step that is to be run; a failure is found in {@link states}. */
  async run(): Promise<void> {
    await this.#runAll(this.#options.definition.Steps);
  }

  async #runAll(steps: readonly DefinitionStep[]): Promise<void> {
    for (const step of steps) this.#ended.set(step.Name, this.#end(step));
    await Promise.all(steps.map(({ Name }) => this.#ended.get(Name)));
  }

  async #end(step: DefinitionStep): Promise<StepStatus> {
    // The siblings are known only after this turn.
    await Promise.resolve();
    const names = [...dependenciesOf(step)];
    const before = await Promise.all(names.map((name) => this.#ended.get(name)));
    const lacking = names.find((_, index) => before[index] !== 'Succeeded');
    if (lacking !== undefined) return this.#skip(step, `${lacking} has not succeeded`);
    if (step.Type === 'Condition') return this.#branch(step);
    return this.#limit(() => this.#begin(step, () => this.#work(step)));
  }

  #change(name: string, change: Partial<StepState>): void {
    const state = this.#states.get(name);
    if (!state) return;
    const changed = { ...state, ...change };
    this.#states.set(name, changed);
    this.#options.onChange(changed);
  }

  #skip(step: DefinitionStep, note: string): StepStatus {
    this.#change(step.Name, { status: 'NotRun', note });
    for (const inner of branchSteps(step)) this.#change(inner.Name, { status: 'NotRun', note });
    return 'NotRun';
  }

  async #begin(step: DefinitionStep, work: () => Promise<string | undefined>): Promise<StepStatus> {
    const { signal } = this.#options;
    if (signal.aborted) this.#stopped = true;
    if (this.#stopped) return this.#skip(step, 'the execution was stopped');
    if (this.#halted) return this.#skip(step, 'a step has failed');
    this.#change(step.Name, { status: 'Executing', startedAt: Date.now() });
    const [status, note] = await work().then(
      (told): [StepStatus, string | undefined] => ['Succeeded', told],
      (error: unknown): [StepStatus, string] => {
        this.#halted = true;
        if (!(error instanceof StepStopped)) return ['Failed', messageOf(error)];
        this.#stopped = true;
        return ['Stopped', messageOf(error)];
      },
    );
    this.#change(step.Name, { status, endedAt: Date.now(), ...(note !== undefined && { note }) });
    return status;
  }

  /** @returns once the steps of the chosen branch have ended, too */
  async #branch(step: Condition): Promise<StepStatus> {
    const { Conditions, IfSteps, ElseSteps } = step.Arguments;
    let chosen: readonly DefinitionStep[] = [];
    const status = await this.#begin(step, async () => {
      const holding = holds(Conditions, this.#scope);
      chosen = holding ? IfSteps : ElseSteps;
      for (const other of holding ? ElseSteps : IfSteps) {
        this.#skip(other, `${step.Name} is ${holding}`);
        this.#ended.set(other.Name, Promise.resolve('NotRun'));
      }
      return String(holding);
    });
    await this.#runAll(chosen);
    return status;
  }

  async #work(step: WorkingStep | Fail): Promise<string | undefined> {
    if (step.Type === 'Fail') {
      throw new StepFailure(String(resolve(step.Arguments.ErrorMessage, this.#scope)));
    }
    const { earlier, run, id: executionId, timeScale, signal } = this.#options;
    if (earlier?.has(step.Name)) return 'as before';
    const report = (note: string) => this.#change(step.Name, { note });
    const warn = (text: string) => {
      const { warnings = [] } = this.#states.get(step.Name) ?? {};
      // A step that is tried again warns again.
      if (!warnings.includes(text)) this.#change(step.Name, { warnings: [...warnings, text] });
    };
    const output = await withRetries(
      () => run(step, resolve(step.Arguments, this.#scope), { executionId, signal, report, warn }),
      {
        policies: step.RetryPolicies,
        timeScale,
        signal,
        onRetry: ({ message }, retry, attempts) =>
          report(`${message} Trying again (${retry} of ${attempts}).`),
      },
    );
    this.#outputs.set(step.Name, output);
    return undefined;
  }
}
