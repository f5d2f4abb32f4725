import { AbortedError } from '../../model/shared/abort.ts';
import { errorText } from '../../model/shared/text.ts';
import {
  branchSteps,
  type Definition,
  type DefinitionStep,
  type StepOfType,
} from '../../stacks/learning/pipeline-schema.ts';
import {
  areMet,
  checkSteps,
  dependenciesOf,
  resolve,
  type Scalar,
  type Scope,
  type StepOutput,
} from './definition.ts';

/** A step that has an effect outside the pipeline. */
type JobStep = Exclude<DefinitionStep, { Type: 'Condition' | 'Fail' }>;

export interface StepContext {
  readonly executionId: string;
  /** Stops the step when aborted. */
  readonly signal: AbortSignal;
  readonly report: (note: string) => void;
  /** Shows a warning, even if the step succeeds. */
  readonly warn: (text: string) => void;
}

/**
 * Runs a step.
 *
 * @param step from the definition
 * @param request the step's `Arguments`, with the values of all variables
 * @throws AbortedError if it was stopped; any other error means that the step failed
 */
export type StepRunner = (step: JobStep, request: unknown, context: StepContext) => Promise<StepOutput>;

type StepStatus = 'Waiting' | 'Executing' | 'Succeeded' | 'Failed' | 'Stopped' | 'NotRun';

export interface StepState {
  readonly name: string;
  readonly type: DefinitionStep['Type'];
  /** The condition step that has it on a branch. */
  readonly condition: string | undefined;
  readonly status: StepStatus;
  /** Milliseconds since 1970. */
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** Its last report, such as its metrics, or why it failed or did not run. */
  readonly note?: string;
  /** Without duplicates. */
  readonly warnings?: readonly string[];
}

export interface ExecutionOptions {
  readonly id: string;
  readonly arn: string;
  readonly definition: Definition;
  readonly parameters: Readonly<Record<string, Scalar>>;
  readonly run: StepRunner;
  /** Outputs of steps that succeeded in an earlier run: they are not run again. */
  readonly earlier: Readonly<Record<string, StepOutput>>;
  readonly signal: AbortSignal;
  readonly onChange: (state: StepState) => void;
}

/**
 * Executes a pipeline by SageMaker's rules: a step runs as soon as all steps that it refers to have succeeded. After a
 * failure running steps finish, and no others start. Retry policies are ignored: a failed execution is resumed by hand.
 */
export class Execution {
  /** The outputs of the steps that succeeded. */
  readonly outputs: Record<string, StepOutput>;
  readonly #options: ExecutionOptions;
  readonly #states = new Map<string, StepState>();
  readonly #ended = new Map<string, Promise<StepStatus>>();
  #halted = false;
  #stopped = false;

  /** @throws Error if the definition cannot be run */
  constructor(options: ExecutionOptions) {
    checkSteps(options.definition.Steps);
    this.#options = options;
    this.outputs = { ...options.earlier };
    for (const step of options.definition.Steps)
      for (const { Name: name, Type: type } of [step, ...branchSteps(step)]) {
        const condition = name === step.Name ? undefined : step.Name;
        this.#states.set(name, { name, type, condition, status: 'Waiting' });
      }
  }

  /** Every step, in the order of the definition. */
  get states(): readonly StepState[] {
    return [...this.#states.values()];
  }

  get status(): 'Succeeded' | 'Failed' | 'Stopped' {
    if (this.states.some(({ status }) => status === 'Failed')) return 'Failed';
    return this.#stopped ? 'Stopped' : 'Succeeded';
  }

  get #scope(): Scope {
    const { id: PipelineExecutionId, arn: PipelineExecutionArn, parameters: Parameters } = this.#options;
    return { Parameters, Execution: { PipelineExecutionId, PipelineExecutionArn }, Steps: this.outputs };
  }

  /** Runs all steps. Never rejects: see {@link states} for failures. */
  async run(steps: readonly DefinitionStep[] = this.#options.definition.Steps): Promise<void> {
    for (const step of steps) this.#ended.set(step.Name, this.#end(step));
    await Promise.all(steps.map(({ Name }) => this.#ended.get(Name)));
  }

  async #end(step: DefinitionStep): Promise<StepStatus> {
    for (const name of dependenciesOf(step))
      if ((await this.#ended.get(name)) !== 'Succeeded') return this.#skip(step, `${name} has not succeeded`);
    return step.Type === 'Condition' ? this.#branch(step) : this.#start(step, () => this.#work(step));
  }

  #change(name: string, change: Partial<StepState>): void {
    const state = this.#states.get(name);
    if (!state) return;
    const changed = { ...state, ...change };
    this.#states.set(name, changed);
    this.#options.onChange(changed);
  }

  #skip(step: DefinitionStep, note: string): StepStatus {
    for (const { Name } of [step, ...branchSteps(step)]) this.#change(Name, { status: 'NotRun', note });
    return 'NotRun';
  }

  /** @param work resolves to the step's last note, or to undefined to keep the current one */
  async #start(step: DefinitionStep, work: () => Promise<string | undefined>): Promise<StepStatus> {
    if (this.#options.signal.aborted) this.#stopped = true;
    if (this.#stopped) return this.#skip(step, 'the execution was stopped');
    if (this.#halted) return this.#skip(step, 'a step has failed');
    this.#change(step.Name, { status: 'Executing', startedAt: Date.now() });
    let status: StepStatus = 'Succeeded';
    const note = await work().catch((error: unknown) => {
      this.#halted = true;
      status = error instanceof AbortedError ? 'Stopped' : 'Failed';
      if (status === 'Stopped') this.#stopped = true;
      return errorText(error);
    });
    this.#change(step.Name, { status, endedAt: Date.now(), ...(note !== undefined && { note }) });
    return status;
  }

  /** Resolves once the steps of the chosen branch have ended, too. */
  async #branch(step: StepOfType<'Condition'>): Promise<StepStatus> {
    const { Conditions, IfSteps, ElseSteps } = step.Arguments;
    let chosen: readonly DefinitionStep[] = [];
    const status = await this.#start(step, async () => {
      const met = areMet(Conditions, this.#scope);
      chosen = met ? IfSteps : ElseSteps;
      for (const other of met ? ElseSteps : IfSteps) this.#skip(other, `${step.Name} is ${met}`);
      return String(met);
    });
    await this.run(chosen);
    return status;
  }

  async #work(step: JobStep | StepOfType<'Fail'>): Promise<string | undefined> {
    if (step.Type === 'Fail') throw new Error(String(resolve(step.Arguments.ErrorMessage, this.#scope)));
    const { earlier, run, id: executionId, signal } = this.#options;
    if (Object.hasOwn(earlier, step.Name)) return 'as before';
    const report = (note: string) => this.#change(step.Name, { note });
    const warn = (text: string) => {
      const { warnings = [] } = this.#states.get(step.Name) ?? {};
      if (!warnings.includes(text)) this.#change(step.Name, { warnings: [...warnings, text] });
    };
    const request = resolve(step.Arguments, this.#scope);
    this.outputs[step.Name] = await run(step, request, { executionId, signal, report, warn });
    return undefined;
  }
}
