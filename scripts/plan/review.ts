import { pluralize } from '../../model/shared/text.ts';
import type { StackFiles } from '../terraform/synth.ts';
import { attentionSection, findWidened } from './attention.ts';
import { createdSection, destroyedSection, likelyFailuresSection, updatedSection } from './changes.ts';
import { costsSection } from './costs.ts';
import { findChanges } from './differences.ts';
import { exposureSection } from './exposure.ts';
import { type Action, buildInventory, type Inventory, isChanged, type Resource } from './inventory.ts';
import { blocks, bold, bullet, code, lines, shorten } from './markdown.ts';
import { permissionsSection } from './permissions.ts';
import { findLosses, type Loss } from './resource-types.ts';
import { parseTerraformPlan } from './terraform-plan.ts';

interface PlanReview {
  readonly markdown: string;
  /** Whatever the plan would lose for good. */
  readonly stateful: readonly Loss[];
  /** Addresses of what an earlier run has half created and Terraform recreates. */
  readonly unfinished: readonly string[];
  readonly widened: ReturnType<typeof findWidened>;
  /** 2 when data or an address that others keep would be lost, else 0. */
  readonly exitCode: 0 | 2;
}

const title = ({ name, json }: ReviewedStack): string => {
  const { region, allowed_account_ids: [account] = [] } = json.provider.aws[0] ?? {};
  const where = [...(region ? [`region ${region}`] : []), ...(account ? [`account ${account}`] : [])];
  return blocks(`# Plan of ${name}`, where.join(', '));
};

const summary = ({ resources }: Inventory): string => {
  const number = (action: Action) => resources.filter((resource) => resource.action === action).length;
  return `This plan creates ${pluralize(number('create'), 'resource')}, changes ${number('update')}, replaces ${number('replace')}, destroys ${number('destroy')}.`;
};

const describeCause = (resource: Resource | undefined): string => {
  const texts = (resource?.action === 'replace' ? findChanges(resource) : [])
    .filter((change) => change.forcesReplacement)
    .map(({ path, before, after }) => `${code(path)} (${code(shorten(before))} → ${code(shorten(after))})`);
  return texts.length > 0 ? ` Because of ${texts.join(', ')}.` : '';
};

const warning = (losses: readonly Loss[], { resources }: Inventory): string => {
  if (losses.length === 0) return '';
  const items = losses.map(({ address, what, name, action, lost }) => {
    const cause = describeCause(resources.find((resource) => resource.address === address));
    const verb = action === 'replace' ? 'replaced' : 'destroyed';
    return bullet(
      `${bold(`${what}${name ? ` ${code(name)}` : ''}`)} (${code(address)}) is ${verb}: ${lost}.${cause}`,
    );
  });
  return blocks(`## ⚠ STOP: ${pluralize(losses.length, 'thing')} that cannot be restored`, lines(...items));
};

type ReviewedStack = Pick<StackFiles, 'name' | 'json'>;

/**
 * A review of a plan for people who approve changes of the infrastructure and have not seen the code.
 *
 * @param json what `terraform show -json` prints of a plan file
 * @param stack as the code has it
 * @throws Error when the plan is something else
 */
export const reviewPlan = (json: unknown, stack: ReviewedStack): PlanReview => {
  const inventory = buildInventory(parseTerraformPlan(json), stack.json.resource);
  const losses = findLosses(inventory.resources);
  const content = inventory.resources.some(isChanged)
    ? [
        summary(inventory),
        warning(losses, inventory),
        attentionSection(inventory),
        likelyFailuresSection(inventory),
        destroyedSection(inventory),
        updatedSection(inventory),
        createdSection(inventory),
        permissionsSection(inventory),
        exposureSection(inventory),
        costsSection(inventory),
      ]
    : ['No changes.'];
  const markdown = blocks(title(stack), ...content);
  return {
    markdown: `${markdown}\n`,
    stateful: losses,
    unfinished: inventory.resources.filter(({ unfinished }) => unfinished).map(({ address }) => address),
    widened: findWidened(inventory),
    exitCode: losses.length > 0 ? 2 : 0,
  };
};
