import path from 'node:path';
import { parseArgs } from 'node:util';
import { resourceNames } from '../stacks/names.ts';
import { createStsClient, requireCaller } from './cloud/account.ts';
import { apply } from './cloud/applying.ts';
import { type Clients, createClients } from './cloud/clients.ts';
import { runCommand, Stopped } from './cloud/command.ts';
import { confirm } from './cloud/confirm.ts';
import { nameOf } from './cloud/images.ts';
import { imagesToSeed } from './cloud/images-to-seed.ts';
import { nextSteps } from './cloud/next-steps.ts';
import { readOutputs } from './cloud/outputs.ts';
import { LOSS, makePlan, review } from './cloud/planning.ts';
import { rollOut } from './cloud/rollout.ts';
import { seedTargets } from './cloud/seed-targets.ts';
import { seedImages } from './cloud/seeding.ts';
import { packSource } from './cloud/source-archive.ts';
import { statusLine } from './cloud/status.ts';
import { openTarget, readConfiguration, type Target } from './cloud/target.ts';
import { say } from './progress.ts';
import { ROOT } from './root.ts';

/** Puts the system into AWS, or brings what is there up to date. Every step can be repeated. */

const USAGE = `Usage: npm run deploy [-- options]

  --yes          do not ask before applying
  --allow-loss   apply even a plan that loses data
`;

const MINUTE = 60_000;
const BUILDING = { intervalMs: 5000, limitMs: 90 * MINUTE };
const ROLLING_OUT = { intervalMs: 5000, limitMs: 45 * MINUTE };

/**
 * Plans everything and has it reviewed; a loss of data stops the deployment. What was never finished holds no data:
 * making it anew is how a stopped deployment goes on.
 */
const planAll = async ({ stack, terraform }: Target, allowLoss: boolean) => {
  const plan = await makePlan(terraform, [], statusLine());
  const { losses, unfinished, summary, file } = await review(terraform, stack, plan);
  const where = path.relative('', file);
  if (losses.length > 0 && !allowLoss)
    throw new Stopped(
      `${summary}\nStopped: this plan loses data. Read ${where}; if that is meant, run npm run deploy -- --allow-loss.`,
      LOSS,
    );
  const anew =
    unfinished.length > 0 ? `An earlier run did not finish ${unfinished.join(', ')}: made anew.\n` : '';
  return { plan, summary: `${summary}\n${anew}The review is in ${where}.` };
};

/**
 * Builds the images that the first tasks run, after making what they are built with.
 *
 * @returns whether anything was done, so that an earlier plan is out of date
 */
const seed = async ({ config, stack, terraform }: Target, clients: Clients): Promise<boolean> => {
  const names = resourceNames(config);
  const builds = await imagesToSeed(clients, config, names, say);
  if (builds.length === 0) return false;
  const source = await packSource(ROOT);
  say(`Building ${builds.map(({ image }) => nameOf(image)).join(', ')} from commit ${source.commit}.`);
  const [first, ...others] = source.leftOut;
  if (first !== undefined)
    say(
      `Not in the images, for it is not committed: ${first}${others.length > 0 ? ` and ${others.length} more` : ''}.`,
    );
  await apply(terraform, await makePlan(terraform, seedTargets(stack), statusLine()), statusLine());
  await seedImages(clients, builds, {
    bucket: names.buckets.artifacts,
    source,
    waiting: BUILDING,
    report: statusLine(),
  });
  return true;
};

/** Brings changed settings to the running services; the WAS first, because the web service calls it. */
const rollOutServices = async ({ config, terraform }: Target, { ecs }: Clients): Promise<string> => {
  const names = resourceNames(config);
  const { services, url } = await readOutputs(terraform);
  for (const key of ['was', 'web'] as const) {
    const { cluster, service, task_definition: taskDefinition } = services[key];
    const target = { cluster, service, taskDefinition, container: names[key].image };
    const revision = await rollOut(ecs, target, ROLLING_OUT, statusLine());
    say(revision ? `${service} runs ${revision}.` : `${service} runs with these settings.`);
  }
  return url;
};

await runCommand(async () => {
  const { values } = parseArgs({
    options: { yes: { type: 'boolean' }, 'allow-loss': { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const allowLoss = values['allow-loss'] ?? false;
  const config = readConfiguration();
  const caller = await requireCaller(createStsClient(config.region));
  const clients = createClients(config.region);

  say(`1/4 Plan for AWS account ${caller.account}, as ${caller.arn}`);
  const target = await openTarget(config, caller);
  const planned = await planAll(target, allowLoss);
  say(planned.summary);
  if (planned.plan.operations > 0 && !values.yes)
    await confirm(`Apply this to account ${caller.account} in ${config.region}?`, 'yes');

  say('2/4 Images');
  const seeded = await seed(target, clients);
  if (!seeded) say('No image has to be built.');

  say('3/4 Settings');
  const { plan } = seeded ? await planAll(target, allowLoss) : planned;
  await apply(target.terraform, plan, statusLine());
  say(`${plan.operations} operations done.`);

  say('4/4 Services');
  const url = await rollOutServices(target, clients);
  say(`\nDeployed: ${url}\n\n${nextSteps(target.config, resourceNames(target.config))}`);
  return 0;
});
