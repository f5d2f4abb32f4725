import pLimit, { type LimitFunction } from 'p-limit';
import { AbortedError } from '../../model/shared/abort.ts';
import { errorText } from '../../model/shared/text.ts';
import {
  branchSteps,
  type Definition,
  type DefinitionStep,
  type StepOfType,
} from '../../stacks/learning/pipeline-schema.ts';
import {
  checkDefinition,
  dependenciesOf,
  holds,
  resolve,
  type Scalar,
  type Scope,
  type StepOutput,
} from './definition.ts';

/** A step that does something outside of the definition. */
type JobStep = Exclude<DefinitionStep, { Type: 'Condition' | 'Fail' }>;

export interface StepContext {
  readonly executionId: string;
  /** Aborted, it stops the step. */
  readonly signal: AbortSignal;
  /** Shows what the step is doing. */
  readonly report: (note: string) => void;
  /** Shows what to look at even if the step succeeds. */
  readonly warn: (text: string) => void;
}

/**
 * Runs a step.
 *
 * @param step as the definition has it
 * @param request the step's `Arguments`, with the values of all variables
 * @throws AbortedError; any other error is why the step failed
 */
export type StepRunner = (step: JobStep, request: unknown, context: StepContext) => Promise<StepOutput>;

type StepStatus = 'Waiting' | 'Executing' | 'Succeeded' | 'Failed' | 'Stopped' | 'NotRun';

/** How far a step is. */
export interface StepState {
  readonly name: string;
  readonly type: DefinitionStep['Type'];
  /** The condition that has it on a branch. */
  readonly condition: string | undefined;
  readonly status: StepStatus;
  /** Milliseconds since 1970. */
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** Its last report, such as its metrics; or why it failed or was not run. */
  readonly note?: string;
  /** Each once, however often it was reported. */
  readonly warnings?: readonly string[];
}

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
  readonly signal: AbortSignal;
  readonly onChange: (state: StepState) => void;
}

/**
 * One execution of a pipeline, by SageMaker's rules: a step runs as soon as all that it refers to have succeeded; after
 * a failure those that run are finished, and no others are started. Retry policies are for SageMaker: here a failed
 * execution is resumed by hand.
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
    return this.#limit(() => this.#start(step, () => this.#work(step)));
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

  async #start(step: DefinitionStep, work: () => Promise<string | undefined>): Promise<StepStatus> {
    const { signal } = this.#options;
    if (signal.aborted) this.#stopped = true;
    if (this.#stopped) return this.#skip(step, 'the execution was stopped');
    if (this.#halted) return this.#skip(step, 'a step has failed');
    this.#change(step.Name, { status: 'Executing', startedAt: Date.now() });
    const [status, note] = await work().then(
      (result): [StepStatus, string | undefined] => ['Succeeded', result],
      (error: unknown): [StepStatus, string] => {
        this.#halted = true;
        if (!(error instanceof AbortedError)) return ['Failed', errorText(error)];
        this.#stopped = true;
        return ['Stopped', errorText(error)];
      },
    );
    this.#change(step.Name, { status, endedAt: Date.now(), ...(note !== undefined && { note }) });
    return status;
  }

  /** @returns once the steps of the chosen branch have ended, too */
  async #branch(step: StepOfType<'Condition'>): Promise<StepStatus> {
    const { Conditions, IfSteps, ElseSteps } = step.Arguments;
    let chosen: readonly DefinitionStep[] = [];
    const status = await this.#start(step, async () => {
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

  async #work(step: JobStep | StepOfType<'Fail'>): Promise<string | undefined> {
    if (step.Type === 'Fail') {
      throw new Error(String(resolve(step.Arguments.ErrorMessage, this.#scope)));
    }
    const { earlier, run, id: executionId, signal } = this.#options;
    if (earlier?.has(step.Name)) return 'as before';
    const report = (note: string) => this.#change(step.Name, { note });
    const warn = (text: string) => {
      const { warnings = [] } = this.#states.get(step.Name) ?? {};
      if (!warnings.includes(text)) this.#change(step.Name, { warnings: [...warnings, text] });
    };
    const request = resolve(step.Arguments, this.#scope);
    const output = await run(step, request, { executionId, signal, report, warn });
    this.#outputs.set(step.Name, output);
    return undefined;
  }
}
