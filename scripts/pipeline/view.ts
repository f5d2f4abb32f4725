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
  /** Whether there is a point in resuming it. */
  readonly resumable: boolean;
  readonly states: readonly StepState[];
  /** The archives of the trained models. */
  readonly models: readonly string[];
  /** Their model cards. */
  readonly reports: readonly string[];
  readonly deployed: Awaited<ReturnType<LocalEndpoints['deployed']>>;
}

/** How long a step took, or has been running. */
const elapsed = ({ startedAt, endedAt = Date.now() }: StepState): string =>
  startedAt === undefined ? '' : duration((endedAt - startedAt) / 1000);

/** Announces what is about to run in `folder`, and how it differs from SageMaker. */
export const introduction = (
  { id, plan }: Pick<ExecutionRecord, 'id'> & { readonly plan: Pick<Plan, 'pipeline' | 'parameters'> },
  folder: string,
): string[] => [
  `Pipeline ${plan.pipeline}, execution ${id}`,
  ...textTable(Object.entries(plan.parameters).map(([name, value]) => [`  ${name}`, String(value)])),
  `The definition's images, instances, roles and networks are not used on this machine, and ${TRAINING_ENVIRONMENT.requireGpu} is false. S3, logs and models are in ${path.relative(ROOT, folder)}.`,
  '',
];

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

/** How the execution ended, its results and the next step. */
export const summary = ({
  status,
  resumable,
  states,
  models,
  reports,
  deployed,
}: PipelineResult): string[] => {
  const relative = (file: string) => path.relative(process.cwd(), file);
  const rows = states.map((state) => [
    `${state.condition === undefined ? '' : '  '}${state.name}`,
    state.status,
    elapsed(state),
  ]);
  const lines = [
    '',
    ...textTable([['step', 'status', 'time'], ...rows]),
    '',
    ...states.flatMap(({ name, warnings = [] }) => warnings.map((warning) => `${name} warns: ${warning}`)),
    ...states.flatMap((state) => (state.status === 'Failed' ? [`${state.name} failed: ${state.note}`] : [])),
    ...models.map((model) => `Model (--initial-model takes it): ${relative(model)}`),
    ...reports.map((report) => `Report: ${relative(report)}`),
  ];
  if (resumable)
    lines.push(
      status === 'Stopped'
        ? 'The execution was stopped. Resume it with: npm run pipeline -- --resume'
        : 'Finished steps are kept. Unless the parameters are to blame, fix the problem and resume with: npm run pipeline -- --resume',
    );
  if (deployed)
    lines.push(
      deployed.serving.shared
        ? `The endpoint of npm start, ${deployed.serving.url}, answers with model ${deployed.version} from now on.`
        : `npm start will answer with model ${deployed.version}.`,
    );
  return lines;
};
