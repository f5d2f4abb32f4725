import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { PlanFile } from '../terraform/apply.ts';
import { type StackFiles, SYNTH_FOLDER } from '../terraform/synth.ts';
import type { Terraform } from '../terraform/terraform.ts';
import { reviewPlan } from './review.ts';
import { parseTerraformPlan } from './terraform-plan.ts';

/** Exit code of a command that stops because data would be lost. */
export const LOSS = 2;

interface WrittenReview {
  /** 0, or LOSS. */
  readonly exitCode: number;
  /** Addresses of what holds data and would be lost, if it was ever finished. */
  readonly losses: readonly string[];
  /** Addresses of what a stopped or failed run has half created; Terraform recreates it. */
  readonly unfinished: readonly string[];
  /** The review's title, totals and warnings. */
  readonly summary: string;
  /** Where all of it is. */
  readonly file: string;
}

/** What a review says before its first section that is no warning. */
export const summarizeReview = (markdown: string): string => {
  const [head = '', ...sections] = markdown.split(/\n(?=## )/);
  return [head, ...sections.filter((section) => section.startsWith('## ⚠'))].join('\n').trim();
};

/** Addresses that a plan recreates because creating them has not succeeded. */
export const unfinishedResources = (plan: unknown): string[] =>
  parseTerraformPlan(plan)
    .resource_changes.filter((change) => change.action_reason === 'replace_because_tainted')
    .map(({ address }) => address);

/** Reviews a plan, and writes the review next to the synthesized stack. */
export const writeReview = async (
  terraform: Terraform,
  stack: StackFiles,
  { file: planFile }: PlanFile,
): Promise<WrittenReview> => {
  const plan: unknown = JSON.parse(await terraform.run('show', '-json', planFile));
  const { markdown, exitCode, stateful } = reviewPlan({ plan, synthesized: stack.json });
  const unfinished = unfinishedResources(plan);
  const losses = stateful.map(({ address }) => address).filter((address) => !unfinished.includes(address));
  const file = path.join(SYNTH_FOLDER, `review-${stack.name}.md`);
  writeFileSync(file, markdown);
  return { exitCode, losses, unfinished, summary: summarizeReview(markdown), file };
};
