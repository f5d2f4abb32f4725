import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CommandError, confirm, statusLine } from '../shared/cli.ts';
import { makePlan, type PlanFile } from '../terraform/apply.ts';
import { SYNTH_FOLDER } from '../terraform/synth.ts';
import type { Target } from '../terraform/target.ts';
import type { Terraform } from '../terraform/terraform.ts';
import { reviewPlan } from './review.ts';
import { parseTerraformPlan } from './terraform-plan.ts';

/** Exit code of a command that stops because data would be lost. */
export const LOSS = 2;

export interface Approval {
  readonly yes: boolean;
  readonly allowLoss: boolean;
  /** Whose permissions may be widened. */
  readonly widen: readonly string[];
}

/**
 * Asks by name for permissions without bounds.
 *
 * @throws CommandError when they are not approved
 */
export const approveWidening = async (
  widened: readonly { readonly holder: string }[],
  { widen, yes }: Approval,
): Promise<void> => {
  for (const holder of new Set(widened.map((each) => each.holder))) {
    if (widen.includes(holder)) continue;
    if (yes)
      throw new CommandError(
        `Stopped: ${holder} would get permissions without bounds. If that is intended, run npm run deploy -- --yes --widen ${holder}.`,
        LOSS,
      );
    await confirm(`${holder} gets permissions without bounds.`, holder);
  }
};

/** What a review says before its first section that is no warning. */
export const summarizeReview = (markdown: string): string => {
  const [head = '', ...sections] = markdown.split(/\n(?=## )/);
  return [head, ...sections.filter((section) => section.startsWith('## ⚠'))].join('\n').trim();
};

const listChanges = (plan: unknown) =>
  parseTerraformPlan(plan)
    .resource_changes.filter(({ change }) => change.actions.join() !== 'no-op')
    .map(({ address, change: { actions, after } }) => JSON.stringify([address, actions, after]));

/** What `terraform show -json` prints of a plan. */
export const readPlan = async (terraform: Terraform, { file }: PlanFile): Promise<unknown> =>
  JSON.parse(await terraform.run('show', '-json', file));

/**
 * Checks that a partial plan, made with `-target`, does nothing that the reviewed plan does not do.
 *
 * @throws Error when it does
 */
export const requirePartOf = (part: unknown, whole: unknown): void => {
  const approved = listChanges(whole);
  const other = listChanges(part).find((change) => !approved.includes(change));
  if (other !== undefined)
    throw new Error(
      `What the first images are built with would differ from the reviewed plan: ${other}. Nothing was applied; run the same command again.`,
    );
};

/**
 * Plans a stack, reviews the plan and writes the review next to the synthesized stack. When that fails, no earlier
 * review is left in its place.
 *
 * @returns besides the plan and the review: where it is, and its summary for the terminal, warnings included
 */
export const planAndReview = async (
  { terraform, stack }: Pick<Target, 'terraform' | 'stack'>,
  options: readonly string[],
  planFile?: string,
) => {
  const file = path.join(SYNTH_FOLDER, `review-${stack.name}.md`);
  rmSync(file, { force: true });
  const plan = await makePlan(terraform, options, statusLine(), planFile);
  const review = reviewPlan(await readPlan(terraform, plan), stack);
  writeFileSync(file, review.markdown);
  return { plan, review: { ...review, summary: summarizeReview(review.markdown), file } };
};
