import { z } from 'zod';
import { resourceNames } from '../../stacks/names.ts';
import { planAndReview } from '../plan/review-plan.ts';
import { confirm, print, runCommand, statusLine } from '../shared/cli.ts';
import { takeLock } from '../shared/lock.ts';
import { applyPlan, makePlan } from '../terraform/apply.ts';
import { protectedResources, type StateResource } from '../terraform/state.ts';
import { LOCK_FILE, readConfiguration } from '../terraform/synth.ts';
import {
  createStsClient,
  openTarget,
  requireCaller,
  synthesizeTarget,
  type Target,
} from '../terraform/target.ts';
import { deleteModelPackages, deleteServing, deleteStudioSecurityGroups, emptyStudio } from './cleanup.ts';
import { type AwsClients, createClients } from './clients.ts';

/** Removes the whole system from AWS, including what Terraform does not own but would fail on or leave running. */

const options = z.strictObject({
  yes: z.boolean().default(false).meta({ description: "do not ask for the stack's name" }),
});

const waiting = () => ({ intervalMs: 5000, limitMs: 60 * 60_000, report: statusLine() });

const refuseProtected = (deployed: readonly StateResource[]): void => {
  const addresses = protectedResources(deployed);
  if (addresses.length > 0)
    throw new Error(
      `${addresses.join(', ')}: these were deployed with deletion protection. The setting deletionProtection is now false; run npm run deploy to apply it, then npm run destroy.`,
    );
};

const DOMAIN = 'aws_sagemaker_domain';

/** Deletes what people and pipelines created inside the stack's resources. */
const deleteForeign = async ({ config, deployed }: Target, { sageMaker }: AwsClients): Promise<void> => {
  const { endpoint, servingRole } = resourceNames(config).learning;
  const deleted = await deleteServing(sageMaker, { endpoint, servingRole }, waiting());
  for (const what of deleted) print(`Deleted ${what}.`);
  for (const { type, attributes } of deployed) {
    const id = String(attributes['id']);
    if (type === 'aws_sagemaker_model_package_group')
      print(`Deleted ${await deleteModelPackages(sageMaker, id)} registered models.`);
    if (type === DOMAIN) {
      const { apps, spaces } = await emptyStudio(sageMaker, id, waiting());
      print(`Deleted ${apps} apps and ${spaces} spaces of Studio.`);
    }
  }
};

const destroyAll = async ({ terraform }: Target, ...targets: string[]): Promise<void> =>
  applyPlan(terraform, await makePlan(terraform, ['-destroy', ...targets], statusLine()), statusLine());

/** Deletes the Studio domain before everything else, and then what SageMaker leaves behind in the network. */
const deleteStudio = async (target: Target, { ec2 }: AwsClients): Promise<void> => {
  const targets = target.deployed.flatMap(({ type, name }) =>
    type === DOMAIN ? [`-target=${type}.${name}`] : [],
  );
  if (targets.length > 0) await destroyAll(target, ...targets);
  for (const { type, attributes } of target.deployed) {
    if (type !== 'aws_vpc') continue;
    const groups = await deleteStudioSecurityGroups(ec2, String(attributes['id']), waiting());
    if (groups > 0) print(`Deleted ${groups} security groups that SageMaker had created.`);
  }
};

await runCommand({ head: 'Usage: npm run destroy [-- --yes]\n', options }, async ({ yes }) => {
  const config = readConfiguration();
  if (config.deletionProtection)
    throw new Error(
      'Deletion is protected. Set deletionProtection to false (BLOOMSTACK_DELETION_PROTECTION=false, or in cdktf.json), run npm run deploy, then npm run destroy.',
    );
  takeLock(LOCK_FILE, 'npm run destroy');
  const caller = await requireCaller(createStsClient(config.region));
  print(`1/3 Plan for AWS account ${caller.account}, as ${caller.arn}`);
  const target = await openTarget(await synthesizeTarget(config, caller));
  const { stack, terraform, deployed } = target;
  if (deployed.length === 0) {
    print(`According to its state, nothing of ${stack.name} is deployed.`);
    return 0;
  }
  refuseProtected(deployed);
  const { review } = await planAndReview(target, ['-destroy']);
  print(review.summary);
  print(`Everything of ${stack.name} will be deleted: ${deployed.length} resources, with all photos, models, images,
repositories of code, home directories of Studio, and logs in them. Nothing of it can be brought back.`);
  if (!yes) await confirm('Delete it?', stack.name);

  print('2/3 What Terraform does not own');
  const clients = createClients(config.region);
  await deleteForeign(target, clients);
  await deleteStudio(target, clients);

  print('3/3 What Terraform owns');
  await destroyAll(target);
  const left = await terraform.run('state', 'list');
  if (left !== '') throw new Error(`Still there:\n${left}\nRun npm run destroy again.`);
  print(`${stack.name} is gone. Logs of jobs and builds that AWS has written may remain in CloudWatch.`);
  return 0;
});
