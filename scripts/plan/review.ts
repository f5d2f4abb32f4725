import { excerpts } from './changes/change-text.ts';
import { changesOf } from './changes/changes.ts';
import { createdSection } from './changes/created-section.ts';
import { endingSection } from './changes/ending-section.ts';
import { likelyFailures } from './changes/likely-failures.ts';
import { driftSection, stateSection } from './changes/state-section.ts';
import { type Loss, lossesOf } from './changes/stateful.ts';
import { updatedSection } from './changes/updated-section.ts';
import { costsSection } from './costs/costs-section.ts';
import { exposureSection } from './exposure/exposure-section.ts';
import { areaOf } from './input/areas.ts';
import { type Inventory, inventoryOf } from './input/inventory.ts';
import { isChanged, type Resource, resourceOf } from './input/resource.ts';
import { parseSynthesizedStack, type SynthesizedStack } from './input/synthesized.ts';
import { parseTerraformPlan, type TerraformPlan } from './input/terraform-plan.ts';
import { blocks, bold, bullet, code, count, lines } from './markdown.ts';
import { permissionsSection } from './permissions/permissions-section.ts';

export interface PlanReview {
  readonly markdown: string;
  /** Whatever the plan would lose for good. */
  readonly stateful: readonly Loss[];
  /** 2 when data or an address that others keep would be lost, else 0. */
  readonly exitCode: 0 | 2;
}

const titleOf = ({ name, region, account }: SynthesizedStack): string => {
  const where = [...(region ? [`region ${region}`] : []), ...(account ? [`account ${account}`] : [])];
  return blocks(`# Plan of ${name}`, where.join(', '));
};

const summaryOf = (resources: readonly Resource[]): string => {
  const number = (action: Resource['action']) =>
    resources.filter((resource) => resource.action === action).length;
  const forgotten = number('forget');
  return `This plan creates ${count(number('create'), 'resource')}, changes ${number('update')}, replaces ${number('replace')}, destroys ${number('destroy')}${
    forgotten > 0 ? `, and gives ${forgotten} up` : ''
  }.`;
};

const causeOf = (resource: Resource | undefined): string => {
  if (resource?.action !== 'replace') return '';
  const forcing = changesOf(resource).filter((change) => change.forcesReplacement);
  const texts = forcing.map((change) => {
    const { before, after } = excerpts(change);
    return `${code(change.path)} (${code(before)} → ${code(after)})`;
  });
  return texts.length > 0 ? ` Because of ${texts.join(', ')}.` : '';
};

const warningOf = (losses: readonly Loss[], { resources }: Inventory): string => {
  if (losses.length === 0) return '';
  const items = losses.map((loss) => {
    const cause = causeOf(resources.find(({ address }) => address === loss.address));
    const name = loss.name ? ` ${code(loss.name)}` : '';
    return bullet(
      `${bold(`${loss.what}${name}`)} (${code(loss.address)}) is ${loss.action}${loss.action === 'destroy' ? 'ed' : 'd'}: ${loss.lost}.${cause}`,
    );
  });
  return blocks(`## ⚠ STOP: ${count(losses.length, 'thing')} that cannot be brought back`, lines(...items));
};

const doubtsOf = ({ complete, errored }: TerraformPlan): string =>
  errored
    ? `⚠ ${bold('Terraform could not finish this plan; what follows is only part of it.')}`
    : complete
      ? ''
      : `⚠ ${bold('Terraform left something for a later plan; what follows is not everything.')}`;

const driftOf = (plan: TerraformPlan, stack: SynthesizedStack): readonly Resource[] =>
  plan.resource_drift
    .filter(({ mode }) => mode === 'managed')
    .map((entry) => {
      const declared = stack.resources.get(`${entry.type}.${entry.name}`);
      return resourceOf(entry, areaOf(entry.name, declared, stack), declared, (value) => value);
    });

/**
 * A review of a plan for people who approve changes of the infrastructure and have not seen the code.
 *
 * @param plan what `terraform show -json` prints of a plan file
 * @param synthesized the stack as cdktf writes it (`cdk.tf.json`)
 * @throws Error when one of them is something else
 */
export const reviewPlan = ({
  plan: rawPlan,
  synthesized,
}: {
  readonly plan: unknown;
  readonly synthesized: unknown;
}): PlanReview => {
  const plan = parseTerraformPlan(rawPlan);
  const stack = parseSynthesizedStack(synthesized);
  const inventory = inventoryOf(plan, stack);
  const { resources } = inventory;
  const losses = lossesOf(resources);
  const isEmpty = !resources.some(isChanged);
  const content = isEmpty
    ? ['No changes.']
    : [
        summaryOf(resources),
        warningOf(losses, inventory),
        likelyFailures(inventory),
        endingSection(resources),
        updatedSection(resources),
        createdSection(inventory),
        stateSection(resources),
        permissionsSection(inventory),
        exposureSection(inventory),
        costsSection(inventory),
      ];
  const markdown = blocks(titleOf(stack), doubtsOf(plan), ...content, driftSection(driftOf(plan, stack)));
  return { markdown: `${markdown}\n`, stateful: losses, exitCode: losses.length > 0 ? 2 : 0 };
};
