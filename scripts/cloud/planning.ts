import { writeFileSync } from 'node:fs';
import { z } from 'zod';
import { reviewPlan } from '../plan/review.ts';
import { describeDiagnostic, TerraformProgress } from './apply-progress.ts';
import type { Report } from './status.ts';
import { reviewFile, type SynthesizedStack } from './synth.ts';
import type { Terraform } from './terraform.ts';

/** Exit code of a review that found that data would be lost. */
export const LOSS = 2;

export interface Planned {
  /** Plan file, for `terraform apply`. */
  readonly file: string;
  /** Operations that applying it takes. */
  readonly operations: number;
}

export interface Reviewed {
  /** 0, or LOSS. */
  readonly exitCode: number;
  /** Addresses of what holds data and would be lost, if it was ever finished. */
  readonly losses: readonly string[];
  /** Addresses of what a stopped or failed run has half made; Terraform makes it anew. */
  readonly unfinished: readonly string[];
  /** The review's title, totals and warnings. */
  readonly summary: string;
  /** Where all of it is. */
  readonly file: string;
}

const PLAN_FILE = 'plan.tfplan';

/** An error with everything that Terraform said. */
export const terraformError = (command: string, progress: TerraformProgress, errors: string): Error =>
  new Error(
    [
      `terraform ${command} failed:`,
      ...progress.errors.map(describeDiagnostic),
      ...progress.unknown,
      errors.trim(),
    ]
      .filter((text) => text !== '')
      .join('\n\n'),
  );

/**
 * Plans into a file.
 *
 * @param options more options of `terraform plan`, such as `-refresh=false`
 * @throws Error with Terraform's own words
 */
export const makePlan = async (
  terraform: Terraform,
  options: readonly string[],
  report: Report,
): Promise<Planned> => {
  const progress = new TerraformProgress();
  const args = ['plan', '-json', '-input=false', `-out=${PLAN_FILE}`, ...options];
  const { exitCode, errors } = await terraform.follow(args, (line) => {
    progress.accept(line);
    report(`planning (${progress.read} resources read)`, 'planning');
  });
  if (exitCode !== 0) throw terraformError('plan', progress, errors);
  return { file: PLAN_FILE, operations: progress.planned };
};

/** What a review says before its first section that is no warning. */
export const summaryOf = (markdown: string): string => {
  const [head = '', ...sections] = markdown.split(/\n(?=## )/);
  return [head, ...sections.filter((section) => section.startsWith('## ⚠'))].join('\n').trim();
};

const changes = z.object({
  resource_changes: z
    .array(z.object({ address: z.string(), action_reason: z.string().optional() }))
    .default([]),
});

/** Addresses that a plan makes anew because making them has not succeeded. */
export const unfinishedOf = (plan: unknown): string[] =>
  changes
    .parse(plan)
    .resource_changes.filter((change) => change.action_reason === 'replace_because_tainted')
    .map(({ address }) => address);

/** Reviews a plan, and writes the review into a file. */
export const review = async (
  terraform: Terraform,
  stack: SynthesizedStack,
  { file: planFile }: Planned,
): Promise<Reviewed> => {
  const plan: unknown = JSON.parse(await terraform.run('show', '-json', planFile));
  const { markdown, exitCode, stateful } = reviewPlan({ plan, synthesized: stack.json });
  const unfinished = unfinishedOf(plan);
  const losses = stateful.map(({ address }) => address).filter((address) => !unfinished.includes(address));
  const file = reviewFile(stack.name);
  writeFileSync(file, markdown);
  return { exitCode, losses, unfinished, summary: summaryOf(markdown), file };
};
