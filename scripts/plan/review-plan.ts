import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { statusLine } from '../shared/cli.ts';
import { makePlan, type PlanFile } from '../terraform/apply.ts';
import { type StackFiles, SYNTH_FOLDER } from '../terraform/synth.ts';
import type { Target } from '../terraform/target.ts';
import type { Terraform } from '../terraform/terraform.ts';
import { type Attention, describeAttention } from './attention.ts';
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
  /** New permissions without bounds. */
  readonly widened: Attention['widened'];
  /** The review's title, totals and warnings. */
  readonly summary: string;
  /** Further ones, which are of the terminal only; to be printed behind the summary. */
  readonly warnings: string;
  /** Where all of it is. */
  readonly file: string;
}

/** What a review says before its first section that is no warning. */
export const summarizeReview = (markdown: string): string => {
  const [head = '', ...sections] = markdown.split(/\n(?=## )/);
  return [head, ...sections.filter((section) => section.startsWith('## ⚠'))].join('\n').trim();
};

const listChanges = (plan: unknown) =>
  parseTerraformPlan(plan)
    .resource_changes.filter(({ change }) => change.actions.join() !== 'no-op')
    .map(({ address, change: { actions, after } }) => JSON.stringify([address, actions, after]));

/**
 * Makes sure that a part of a plan, made with `-target`, does nothing that the reviewed plan does not.
 *
 * @throws Error when it does
 */
export const requirePartOf = async (terraform: Terraform, part: PlanFile, whole: PlanFile): Promise<void> => {
  const [approved, changes] = await Promise.all(
    [whole, part].map(async ({ file }) =>
      listChanges(JSON.parse(await terraform.run('show', '-json', file))),
    ),
  );
  const others = (changes ?? []).filter((change) => !approved?.includes(change));
  if (others.length > 0)
    throw new Error(
      `What the first images are built with would differ from the reviewed plan: ${others[0]}. Nothing was applied; run the same command again.`,
    );
};

/** Addresses that a plan recreates because creating them has not succeeded. */
export const unfinishedResources = (plan: unknown): string[] =>
  parseTerraformPlan(plan)
    .resource_changes.filter((change) => change.action_reason === 'replace_because_tainted')
    .map(({ address }) => address);

const reviewFile = (name: string): string => path.join(SYNTH_FOLDER, `review-${name}.md`);

/** Plans a stack and reviews the plan; when that fails, no earlier review is left in its place. */
export const planAndReview = async (
  { terraform, stack }: Pick<Target, 'terraform' | 'stack'>,
  options: readonly string[],
  planFile?: string,
): Promise<{ readonly plan: PlanFile; readonly review: WrittenReview }> => {
  rmSync(reviewFile(stack.name), { force: true });
  const plan = await makePlan(terraform, options, statusLine(), planFile);
  return { plan, review: await writeReview(terraform, stack, plan) };
};

/** Reviews a plan, and writes the review next to the synthesized stack. */
const writeReview = async (
  terraform: Terraform,
  stack: StackFiles,
  { file: planFile }: PlanFile,
): Promise<WrittenReview> => {
  const plan: unknown = JSON.parse(await terraform.run('show', '-json', planFile));
  const { markdown, exitCode, stateful, attention } = reviewPlan({ plan, synthesized: stack.json });
  const unfinished = unfinishedResources(plan);
  const losses = stateful.map(({ address }) => address).filter((address) => !unfinished.includes(address));
  const file = reviewFile(stack.name);
  writeFileSync(file, markdown);
  const warnings = describeAttention(attention)
    .map((text) => `\n\n${text}`)
    .join('');
  const { widened } = attention;
  return { exitCode, losses, unfinished, widened, warnings, summary: summarizeReview(markdown), file };
};
