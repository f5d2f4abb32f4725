import path from 'node:path';
import { TRAINING_ENVIRONMENT } from '../../model/contract/sagemaker-jobs.ts';
import { duration } from '../../model/shared/text.ts';
import { textTable } from '../shared/cli.ts';
import { ROOT } from '../shared/paths.ts';
import type { StepState } from './execution.ts';
import type { LocalEndpoints } from './local-endpoint.ts';
import type { ExecutionRecord, Plan } from './record.ts';

/** How an execution ended. */
export interface PipelineResult {
  readonly status: 'Succeeded' | 'Failed' | 'Stopped';
  /** Whether it makes sense to resume it. */
  readonly resumable: boolean;
  readonly states: readonly StepState[];
  /** The archives of the trained models. */
  readonly models: readonly string[];
  /** Their model cards. */
  readonly reports: readonly string[];
  readonly deployed: Awaited<ReturnType<LocalEndpoints['deployed']>>;
}

/** How long a step has been running, or took. */
const elapsed = ({ startedAt, endedAt }: StepState): string =>
  startedAt === undefined ? '' : duration(((endedAt ?? Date.now()) - startedAt) / 1000);

/** All steps, those on a branch indented; nothing when there are none. */
const stepTable = (states: readonly StepState[]): string[] => {
  if (states.length === 0) return [];
  const rows = states.map((state) => [
    `${state.condition === undefined ? '' : '  '}${state.name}`,
    state.status,
    elapsed(state),
  ]);
  return [...textTable([['step', 'status', 'time'], ...rows]), ''];
};

/** What is about to run in `folder`, and how it differs from SageMaker. */
export const introduction = (
  { id, plan }: Pick<ExecutionRecord, 'id'> & { readonly plan: Pick<Plan, 'pipeline' | 'parameters'> },
  folder: string,
): string[] => [
  `Pipeline ${plan.pipeline}, execution ${id}`,
  ...textTable(Object.entries(plan.parameters).map(([name, value]) => [`  ${name}`, String(value)])),
  `On this machine the images, machines, roles and networks of the definition are not used, and ${TRAINING_ENVIRONMENT.requireGpu} is false. S3, logs and models are in ${path.relative(ROOT, folder)}.`,
  '',
];

/** Writes a line per change of a step. */
export const stepLog = (write: (line: string) => void) => {
  const last = new Map<string, string>();
  return (state: StepState): void => {
    const time = state.endedAt === undefined ? '' : ` after ${elapsed(state)}`;
    const note = state.note === undefined ? '' : `: ${state.note}`;
    const line = `${state.name} ${state.status}${time}${note}`;
    if (last.get(state.name) === line) return;
    last.set(state.name, line);
    write(line);
  };
};

const RESUME = 'npm run pipeline -- --resume';

const resumeHint = ({ status, resumable }: PipelineResult): string[] => {
  if (!resumable) return [];
  return status === 'Stopped'
    ? [`It was stopped. Resume it: ${RESUME}`]
    : [`What is done is kept. If the reason is outside of the parameters, fix it and resume: ${RESUME}`];
};

const deployment = ({ deployed }: PipelineResult): string[] => {
  if (!deployed) return [];
  const { serving, version } = deployed;
  return serving.shared
    ? [`The endpoint of npm start, ${serving.url}, answers with model ${version} from now on.`]
    : [`npm start will answer with model ${version}.`];
};

/** How it ended, what came of it and what to do next. */
export const summary = (result: PipelineResult): string[] => {
  const { states, models, reports } = result;
  const relative = (file: string) => path.relative(process.cwd(), file);
  return [
    '',
    ...stepTable(states),
    ...states.flatMap(({ name, warnings = [] }) => warnings.map((warning) => `${name} warns: ${warning}`)),
    ...states.flatMap(({ name, status, note = 'no reason is known.' }) =>
      status === 'Failed' ? [`${name} failed: ${note}`] : [],
    ),
    ...models.map((model) => `The model, as --initial-model takes it: ${relative(model)}`),
    ...reports.map((report) => `The report on it: ${relative(report)}`),
    ...resumeHint(result),
    ...deployment(result),
  ];
};
