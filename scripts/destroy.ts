import { parseArgs } from 'node:util';
import { resourceNames } from '../stacks/names.ts';
import { createStsClient, requireCaller } from './cloud/account.ts';
import { apply } from './cloud/applying.ts';
import { type Clients, createClients } from './cloud/clients.ts';
import { runCommand, Stopped } from './cloud/command.ts';
import { confirm } from './cloud/confirm.ts';
import { deleteServing } from './cloud/endpoint-cleanup.ts';
import { deleteModelPackages } from './cloud/model-packages-cleanup.ts';
import { makePlan, review } from './cloud/planning.ts';
import { protectedResources, type StateResource } from './cloud/state.ts';
import { statusLine } from './cloud/status.ts';
import { emptyStudio } from './cloud/studio-cleanup.ts';
import { deleteStudioSecurityGroups } from './cloud/studio-security-groups.ts';
import { openTarget, readConfiguration, type Target } from './cloud/target.ts';
import { say } from './progress.ts';

/** Takes the whole system out of AWS, with what Terraform does not own but would stumble over or leave running. */

const USAGE = `Usage: npm run destroy [-- --yes]

  --yes   do not ask for the stack's name
`;

const DELETING = { intervalMs: 5000, limitMs: 60 * 60_000 };

const refuseProtected = (deployed: readonly StateResource[]): void => {
  const addresses = protectedResources(deployed);
  if (addresses.length > 0)
    throw new Stopped(
      `${addresses.join(', ')}: protected when they were deployed. The setting deletionProtection is false by now; run npm run deploy to bring it to AWS, then npm run destroy.`,
      1,
    );
};

const DOMAIN = 'aws_sagemaker_domain';

/** Deletes what people and pipelines have made inside the stack's resources. */
const deleteForeign = async ({ config, deployed }: Target, { sageMaker }: Clients): Promise<void> => {
  const { endpoint, servingRole } = resourceNames(config).learning;
  const deleted = await deleteServing(sageMaker, { endpoint, servingRole }, DELETING, statusLine());
  for (const what of deleted) say(`Deleted ${what}.`);
  for (const { type, attributes } of deployed) {
    const id = String(attributes['id']);
    if (type === 'aws_sagemaker_model_package_group')
      say(`Deleted ${await deleteModelPackages(sageMaker, id)} registered models.`);
    if (type === DOMAIN) {
      const { apps, spaces } = await emptyStudio(sageMaker, id, DELETING, statusLine());
      say(`Deleted ${apps} apps and ${spaces} spaces of Studio.`);
    }
  }
};

/** Deletes the Studio domain before everything else, and then what SageMaker leaves behind of it in the network. */
const deleteStudio = async ({ terraform, deployed }: Target, { ec2 }: Clients): Promise<void> => {
  const targets = deployed.flatMap(({ type, name }) => (type === DOMAIN ? [`-target=${type}.${name}`] : []));
  if (targets.length > 0)
    await apply(terraform, await makePlan(terraform, ['-destroy', ...targets], statusLine()), statusLine());
  for (const { type, attributes } of deployed) {
    if (type !== 'aws_vpc') continue;
    const groups = await deleteStudioSecurityGroups(ec2, String(attributes['id']), DELETING, statusLine());
    if (groups > 0) say(`Deleted ${groups} security groups that SageMaker had made.`);
  }
};

await runCommand(async () => {
  const { values } = parseArgs({ options: { yes: { type: 'boolean' }, help: { type: 'boolean' } } });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const config = readConfiguration();
  if (config.deletionProtection)
    throw new Stopped(
      'Deletion is protected. Set deletionProtection to false (BLOOMSTACK_DELETION_PROTECTION=false, or in cdktf.json), run npm run deploy, then npm run destroy.',
      1,
    );
  const caller = await requireCaller(createStsClient(config.region));
  say(`1/3 Plan for AWS account ${caller.account}, as ${caller.arn}`);
  const target = await openTarget(config, caller);
  const { stack, terraform, deployed } = target;
  if (deployed.length === 0) {
    say(`Nothing of ${stack.name} is deployed, as far as its state knows.`);
    return 0;
  }
  refuseProtected(deployed);
  const planned = await makePlan(terraform, ['-destroy'], statusLine());
  const { summary } = await review(terraform, stack, planned);
  say(summary);
  say(`Everything of ${stack.name} will be deleted: ${deployed.length} resources, with all photos, models, images,
repositories of code, home directories of Studio, and logs in them. Nothing of it can be brought back.`);
  if (!values.yes) await confirm('Delete it?', stack.name);

  say('2/3 What Terraform does not own');
  const clients = createClients(config.region);
  await deleteForeign(target, clients);
  await deleteStudio(target, clients);

  say('3/3 What Terraform owns');
  await apply(terraform, await makePlan(terraform, ['-destroy'], statusLine()), statusLine());
  const left = await terraform.run('state', 'list');
  if (left !== '') throw new Error(`Still there:\n${left}\nRun npm run destroy again.`);
  say(`${stack.name} is gone. Logs of jobs and builds that AWS has written may remain in CloudWatch.`);
  return 0;
});
