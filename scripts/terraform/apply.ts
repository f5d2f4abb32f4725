import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { duration } from '../../model/shared/text.ts';
import type { Report } from '../shared/cli.ts';
import type { Terraform } from './terraform.ts';

/**
 * The lines of `terraform plan -json` and `terraform apply -json`, version 1 of the format: unknown types and fields
 * are ignored. Source: "Machine-readable UI", Terraform documentation.
 */

const diagnostic = z.object({
  severity: z.string(),
  summary: z.string(),
  detail: z.string().default(''),
  address: z.string().default(''),
});
const message = z.object({
  type: z.string(),
  change: z.object({ action: z.string() }).optional().catch(undefined),
  hook: z
    .object({ resource: z.object({ addr: z.string() }), elapsed_seconds: z.number().default(0) })
    .optional()
    .catch(undefined),
  diagnostic: diagnostic.optional().catch(undefined),
});

/** The operations that apply performs for an action of a plan. */
const OPERATIONS: Readonly<Record<string, number>> = { create: 1, update: 1, delete: 1, replace: 2 };

const parse = (line: string): z.output<typeof message> | undefined => {
  try {
    return message.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
};

/** Terraform's message about a problem, with its resource. */
const describe = ({ summary, detail, address }: z.output<typeof diagnostic>): string =>
  [address ? `${address}: ${summary}` : summary, detail].filter((text) => text !== '').join('\n  ');

/** The progress of a plan or an apply, from the lines that Terraform prints. */
export class TerraformProgress {
  readonly #total: number;
  /** Operations that the plan announces; a replacement counts as two. */
  planned = 0;
  /** Resources whose current settings have been read. */
  read = 0;
  done = 0;
  /** Errors, and lines in another format, such as a provider's crash. */
  readonly problems: string[] = [];
  readonly #running = new Map<string, number>();

  /** @param total operations of the applied plan; 0 while planning */
  constructor(total = 0) {
    this.#total = total;
  }

  accept(line: string): void {
    const parsed = parse(line);
    if (!parsed && line.trim() !== '') this.problems.push(line);
    if (!parsed) return;
    const { type, change, hook, diagnostic: said } = parsed;
    const address = hook?.resource.addr ?? '';
    if (type === 'planned_change') this.planned += OPERATIONS[change?.action ?? ''] ?? 0;
    if (type === 'refresh_complete') this.read += 1;
    if (type === 'apply_start' || type === 'apply_progress')
      this.#running.set(address, hook?.elapsed_seconds ?? 0);
    if (type === 'apply_complete' || type === 'apply_errored') this.#running.delete(address);
    if (type === 'apply_complete') this.done += 1;
    if (said?.severity === 'error') this.problems.push(describe(said));
  }

  /** Completed operations, and the one that has been running longest: `37 of 184 · aws_lb.web-alb (45 s)`. */
  get now(): string {
    const [slowest] = [...this.#running].sort(([, a], [, b]) => b - a);
    const awaited = slowest ? ` · ${slowest[0]} (${duration(slowest[1])})` : '';
    return `${this.done} of ${this.#total}${awaited}`;
  }
}

/** The AWS provider's error about a resource that exists; the ID of most types is the name. */
const EXISTING = /^(aws_\S+): creating [^(]*\(([^\s)]+)\).*already ?(?:exists|owned)/is;

/** Problems that a killed run leaves behind, and what to do about them. */
const REMEDIES: readonly (readonly [problem: RegExp, remedy: string])[] = [
  [
    /acquiring the state lock.*?ID: +(\S+)/s,
    'If no other command is at work on this state, the command that locked it was killed: terraform -chdir=FOLDER force-unlock $1',
  ],
  [
    /already ?(exists|owned)/i,
    "A run that was stopped or killed may have created what already exists. If it belongs to this deployment, import it and run the same command again (the provider's documentation has the ID of each type):\nIMPORTS\nIf not, delete it, or choose a nameSuffix.",
  ],
];

/** Everything that Terraform reported about a failure, and what to do. */
const describeFailure = (
  command: string,
  { directory }: Terraform,
  { problems }: TerraformProgress,
  errors: string,
): string => {
  const said = [...problems, errors.trim()].join('\n\n');
  const folder = path.relative('', directory);
  const imports = problems.flatMap((problem) => {
    const [, address = 'ADDRESS', id = 'ID'] = EXISTING.exec(problem) ?? [];
    return /already ?(exists|owned)/i.test(problem)
      ? `  terraform -chdir=${folder} import ${address} ${id}`
      : [];
  });
  const remedies = REMEDIES.flatMap(([problem, remedy]) => {
    const [, id = ''] = problem.exec(said) ?? [];
    const filled = remedy.replace('FOLDER', folder).replace('$1', id).replace('IMPORTS', imports.join('\n'));
    return problem.test(said) ? filled : [];
  });
  return [`terraform ${command} failed:`, said, ...remedies].join('\n\n').trim();
};

export interface PlanFile {
  /** Absolute path of the plan file, for `terraform apply`. */
  readonly file: string;
  /** The file's checksum when it was written. */
  readonly sha256: string;
  /** Number of operations to apply it. */
  readonly operations: number;
}

const checksum = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

/**
 * Plans into a file. If that fails, no earlier plan is left there.
 *
 * @param options more options of `terraform plan`, such as `-refresh=false`
 * @param file absolute path. @default - in Terraform's folder
 * @throws Error with Terraform's message
 */
export const makePlan = async (
  terraform: Terraform,
  options: readonly string[],
  report: Report,
  file = path.join(terraform.directory, 'plan.tfplan'),
): Promise<PlanFile> => {
  rmSync(file, { force: true });
  mkdirSync(path.dirname(file), { recursive: true });
  const progress = new TerraformProgress();
  const args = ['plan', '-json', '-input=false', `-out=${file}`, ...options];
  const { exitCode, errors } = await terraform.follow(args, (line) => {
    progress.accept(line);
    report(`planning (${progress.read} resources read)`, 'planning');
  });
  if (exitCode !== 0) throw new Error(describeFailure('plan', terraform, progress, errors));
  return { file, sha256: checksum(file), operations: progress.planned };
};

/**
 * Applies a plan, if its file has not changed.
 *
 * @throws Error if the file has changed, before anything is applied
 * @throws Error with Terraform's message about each resource that failed; the others are done and in the state
 */
export const applyPlan = async (
  terraform: Terraform,
  { file, sha256, operations }: PlanFile,
  report: Report,
): Promise<void> => {
  if (!existsSync(file) || checksum(file) !== sha256)
    throw new Error(
      `${file} is no longer the plan that was reviewed. Nothing was applied. Run the same command again, and read the new review.`,
    );
  const progress = new TerraformProgress(operations);
  const { exitCode, errors } = await terraform.follow(['apply', '-json', '-input=false', file], (line) => {
    progress.accept(line);
    if (operations > 0) report(progress.now, `${progress.done} of ${operations}`);
  });
  if (exitCode === 0) return;
  throw new Error(
    `${describeFailure('apply', terraform, progress, errors)}\n\n${progress.done} of ${operations} operations are done and saved. Fix the cause and run the same command again: it continues from here.`,
  );
};
