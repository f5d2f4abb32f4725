import path from 'node:path';
import { z } from 'zod';
import type { Configuration } from '../../stacks/config/schema.ts';
import { FOLDERS, inputPrefix } from '../../stacks/learning/folders.ts';
import { type Names, resourceNames } from '../../stacks/names.ts';
import { LOSS, writeReview } from '../plan/review-plan.ts';
import { CommandError, confirm, print, runCommand, statusLine } from '../shared/cli.ts';
import { ROOT } from '../shared/paths.ts';
import { applyPlan, makePlan } from '../terraform/apply.ts';
import { readConfiguration } from '../terraform/synth.ts';
import { createStsClient, openTarget, requireCaller, type Target } from '../terraform/target.ts';
import type { Terraform } from '../terraform/terraform.ts';
import { bootstrapTargets, buildImages, imageName, imagesToBuild } from './bootstrap-images.ts';
import { type AwsClients, createClients } from './clients.ts';
import { rollOut } from './rollout.ts';
import { packSource } from './source-archive.ts';

/** Puts the system into AWS, or brings what is there up to date. Every step can be repeated. */

const options = z.strictObject({
  yes: z.boolean().default(false).meta({ description: 'do not ask before applying' }),
  allowLoss: z.boolean().default(false).meta({ description: 'apply even a plan that loses data' }),
});

const MINUTE = 60_000;
const BUILDING = { intervalMs: 5000, limitMs: 90 * MINUTE };
const ROLLING_OUT = { intervalMs: 5000, limitMs: 45 * MINUTE };

/**
 * Plans everything and has it reviewed; a loss of data stops the deployment. What was never finished holds no data:
 * recreating it is how a stopped deployment continues.
 */
const planAll = async ({ stack, terraform }: Target, allowLoss: boolean) => {
  const plan = await makePlan(terraform, [], statusLine());
  const { losses, unfinished, summary, file } = await writeReview(terraform, stack, plan);
  const where = path.relative('', file);
  if (losses.length > 0 && !allowLoss)
    throw new CommandError(
      `${summary}\nStopped: this plan loses data. Read ${where}; if that is intended, run npm run deploy -- --allow-loss.`,
      LOSS,
    );
  const recreated =
    unfinished.length > 0 ? `An earlier run did not finish ${unfinished.join(', ')}: recreated.\n` : '';
  return { plan, summary: `${summary}\n${recreated}The review is in ${where}.` };
};

/**
 * Builds the images that the first tasks run, after creating what they are built with.
 *
 * @returns whether anything was done, so that an earlier plan is out of date
 */
const buildFirstImages = async (
  { config, stack, terraform }: Target,
  clients: AwsClients,
): Promise<boolean> => {
  const names = resourceNames(config);
  const builds = await imagesToBuild(clients, config, names, print);
  if (builds.length === 0) return false;
  const source = await packSource(ROOT);
  print(`Building ${builds.map(({ image }) => imageName(image)).join(', ')} from commit ${source.commit}.`);
  const [first, ...others] = source.leftOut;
  if (first !== undefined)
    print(
      `Not in the images, because it is not committed: ${first}${others.length > 0 ? ` and ${others.length} more` : ''}.`,
    );
  const plan = await makePlan(terraform, bootstrapTargets(stack), statusLine());
  await applyPlan(terraform, plan, statusLine());
  await buildImages(clients, builds, {
    bucket: names.buckets.artifacts,
    source,
    waiting: { ...BUILDING, report: statusLine() },
  });
  return true;
};

const serviceOutput = z.object({ cluster: z.string(), service: z.string(), task_definition: z.string() });

const outputs = z.object({
  url: z.object({ value: z.string() }),
  services: z.object({ value: z.object({ web: serviceOutput, was: serviceOutput }) }),
});

const readOutputs = async (terraform: Terraform) =>
  outputs.parse(JSON.parse(await terraform.run('output', '-json')));

/** Brings changed settings to the running services; the WAS first, because the web service calls it. */
const rollOutServices = async ({ config, terraform }: Target, { ecs }: AwsClients): Promise<string> => {
  const names = resourceNames(config);
  const { services, url } = await readOutputs(terraform);
  for (const key of ['was', 'web'] as const) {
    const { cluster, service, task_definition: taskDefinition } = services.value[key];
    const target = { cluster, service, taskDefinition, container: names[key].image };
    const revision = await rollOut(ecs, target, { ...ROLLING_OUT, report: statusLine() });
    print(revision ? `${service} runs ${revision}.` : `${service} runs with these settings.`);
  }
  return url.value;
};

/** What to do after a deployment: push code, and train a model. */
const nextSteps = ({ region, source }: Configuration, names: Names): string => {
  const repositories = [names.web, names.was, names.learning].map(({ delivery }) => delivery.source);
  const push =
    source.provider === 'github'
      ? [`A push to ${source.branch} of ${source.repository} is built and deployed.`]
      : [
          'A push to CodeCommit is built and deployed (see docs/deploying.md for access):',
          ...repositories.map(
            (name) =>
              `  git remote add ${name} https://git-codecommit.${region}.amazonaws.com/v1/repos/${name}`,
          ),
          ...repositories.map((name) => `  git push ${name} HEAD:${source.branch}`),
        ];
  const { pipelines, endpoint } = names.learning;
  return [
    ...push,
    `Photos are answered once a model is on the endpoint ${endpoint}. Train one and put it there; without the first`,
    'command, which fetches a pretrained network to build on, it starts from random weights:',
    `  node --import tsx scripts/fetch-backbone.ts --to ${inputPrefix(names.buckets.dataset, FOLDERS.pretrained)}`,
    `  aws s3 sync path/to/photos ${inputPrefix(names.buckets.dataset, FOLDERS.photos)} --region ${region}`,
    `  aws sagemaker start-pipeline-execution --pipeline-name ${pipelines.deploy} --region ${region}`,
  ].join('\n');
};

await runCommand({ head: 'Usage: npm run deploy [-- options]\n', options }, async ({ yes, allowLoss }) => {
  const config = readConfiguration();
  const caller = await requireCaller(createStsClient(config.region));
  const clients = createClients(config.region);

  print(`1/4 Plan for AWS account ${caller.account}, as ${caller.arn}`);
  const target = await openTarget(config, caller);
  const planned = await planAll(target, allowLoss);
  print(planned.summary);
  if (planned.plan.operations > 0 && !yes)
    await confirm(`Apply this to account ${caller.account} in ${config.region}?`, 'yes');

  print('2/4 Images');
  const built = await buildFirstImages(target, clients);
  if (!built) print('No image has to be built.');

  print('3/4 Settings');
  const { plan } = built ? await planAll(target, allowLoss) : planned;
  await applyPlan(target.terraform, plan, statusLine());
  print(`${plan.operations} operations done.`);

  print('4/4 Services');
  const url = await rollOutServices(target, clients);
  print(`\nDeployed: ${url}\n\n${nextSteps(target.config, resourceNames(target.config))}`);
  return 0;
});
