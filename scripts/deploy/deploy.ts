import path from 'node:path';
import { z } from 'zod';
import { errorText } from '../../model/shared/text.ts';
import type { Configuration } from '../../stacks/config/schema.ts';
import { ONE_AFTER_ANOTHER_MINUTES } from '../../stacks/delivery/image-build.ts';
import { FOLDERS, inputPrefix } from '../../stacks/learning/folders.ts';
import { type Names, resourceNames } from '../../stacks/names.ts';
import {
  type Approval,
  approveWidening,
  LOSS,
  planAndReview,
  readPlan,
  requirePartOf,
} from '../plan/review-plan.ts';
import { CommandError, confirm, print, runCommand, statusLine } from '../shared/cli.ts';
import { takeLock } from '../shared/lock.ts';
import { ROOT } from '../shared/paths.ts';
import { applyPlan, makePlan, type PlanFile } from '../terraform/apply.ts';
import { LOCK_FILE, readConfiguration, SYNTH_FOLDER } from '../terraform/synth.ts';
import {
  type Caller,
  createStsClient,
  openTarget,
  requireCaller,
  type SynthesizedTarget,
  synthesizeTarget,
  type Target,
} from '../terraform/target.ts';
import { bootstrapTargets, buildImages, imageName, imagesToBuild, packSource } from './bootstrap-images.ts';
import { type AwsClients, createClients } from './clients.ts';
import { askAccount, describeFindings, found, list, preflight } from './preflight.ts';
import { rollOutSettings } from './rollout.ts';

/** Puts the system into AWS, or brings what is there up to date. Every step can be repeated. */

const options = z.strictObject({
  yes: z.boolean().default(false).meta({ description: 'do not ask before applying' }),
  allowLoss: z.boolean().default(false).meta({ description: 'apply even a plan that loses data' }),
  widen: z.string().optional().meta({
    value: 'NAMES',
    description: 'roles and buckets that may get permissions without bounds,\nseparated by commas',
  }),
  skipPreflight: z
    .boolean()
    .default(false)
    .meta({ description: 'do not ask AWS first for permissions, zones and quotas' }),
});

const MINUTE = 60_000;
const BUILDING = { intervalMs: 5000, limitMs: ONE_AFTER_ANOTHER_MINUTES * MINUTE };
const ROLLING_OUT = { intervalMs: 5000, limitMs: 45 * MINUTE };

/**
 * Plans everything, reviews the plan and asks whether to apply it; a loss of data stops the deployment. A resource that
 * was never finished holds no data: recreating it is how a stopped deployment continues.
 */
const planAndApprove = async (target: Target, approval: Approval): Promise<PlanFile> => {
  const { config, stack } = target;
  // No other command writes there.
  const planFile = path.join(SYNTH_FOLDER, 'approved', stack.name, 'plan.tfplan');
  const { plan, review } = await planAndReview(target, [], planFile);
  const { stateful, unfinished, widened, summary, file } = review;
  const where = path.relative('', file);
  if (stateful.length > 0 && !approval.allowLoss)
    throw new CommandError(
      `${summary}\nStopped: this plan loses data. Read ${where}; if that is intended, run npm run deploy -- --allow-loss.`,
      LOSS,
    );
  const recreated =
    unfinished.length > 0 ? `\nAn earlier run did not finish ${unfinished.join(', ')}: recreated.` : '';
  print(`${summary}${recreated}\nThe review is in ${where}.`);
  await approveWidening(widened, approval);
  if (plan.operations > 0 && !approval.yes)
    await confirm(`Apply this to account ${config.account} in ${config.region}?`, 'yes');
  return plan;
};

/** Runs the preflight, and continues only when nothing is bound to fail. */
const passPreflight = async (caller: Caller, synthesized: SynthesizedTarget): Promise<Target> => {
  const { config, stack } = synthesized;
  const known = [found('ok', 'caller', caller.arn)];
  let target: Target | undefined;
  try {
    target = await openTarget(synthesized);
    known.push(found('ok', 'Terraform and state', `${target.deployed.length} resources are known`));
  } catch (error) {
    if (error instanceof CommandError) throw error;
    known.push(found('fails', 'Terraform and state', errorText(error)));
  }
  const account = askAccount(createStsClient(config.region), config.region, caller);
  // An interrupted first deployment leaves the resources that build images, but no services.
  const isFirst = target?.deployed.every(({ type }) => type !== 'aws_ecs_service') ?? false;
  const findings = [...known, ...(await preflight({ config, stack, isFirst }, account))];
  print(describeFindings(findings));
  if (target && findings.every(({ verdict }) => verdict !== 'fails')) return target;
  throw new CommandError(
    'Stopped before anything was changed: see what FAILS above. Fix it and run the same command again, or run it with --skip-preflight if you know better.',
    1,
  );
};

/**
 * Builds the images that the first tasks run, after creating what they are built with.
 *
 * @returns whether anything was done, so that an earlier plan is out of date
 */
const buildFirstImages = async (
  { config, stack, terraform }: Target,
  approved: PlanFile,
  clients: AwsClients,
): Promise<boolean> => {
  const names = resourceNames(config);
  const builds = await imagesToBuild(clients, config, names);
  if (builds.length === 0) return false;
  const source = await packSource(ROOT);
  print(`Building ${builds.map(imageName).join(', ')} from commit ${source.commit}.`);
  const { leftOut } = source;
  if (leftOut.length > 0) print(`Not in the images, because it is not committed: ${list(leftOut)}.`);
  const plan = await makePlan(terraform, bootstrapTargets(stack), statusLine());
  requirePartOf(await readPlan(terraform, plan), await readPlan(terraform, approved));
  await applyPlan(terraform, plan, statusLine());
  const postponed = await buildImages(clients, builds, {
    bucket: names.buckets.artifacts,
    source,
    optional: names.learning.repository,
    waiting: { ...BUILDING, report: statusLine() },
  });
  if (postponed !== undefined) print(postponed);
  return true;
};

const serviceOutput = z.object({ cluster: z.string(), service: z.string(), task_definition: z.string() });

const outputs = z.object({
  url: z.object({ value: z.string() }),
  services: z.object({ value: z.object({ web: serviceOutput, was: serviceOutput }) }),
});

/** Brings changed settings to the running services; the WAS first, because the web service calls it. */
const rollOutServices = async ({ config, terraform }: Target, { ecs }: AwsClients): Promise<string> => {
  const names = resourceNames(config);
  const { services, url } = outputs.parse(JSON.parse(await terraform.run('output', '-json')));
  for (const key of ['was', 'web'] as const) {
    const { cluster, service, task_definition: taskDefinition } = services.value[key];
    const target = { cluster, service, taskDefinition, container: names[key].image };
    const revision = await rollOutSettings(ecs, target, { ...ROLLING_OUT, report: statusLine() });
    print(revision ? `${service} runs ${revision}.` : `${service} runs with these settings.`);
  }
  return url.value;
};

/** Where to look after a deployment, and what to do: push code, and train a model. */
const nextSteps = (
  { region, source, observability: { alarmEmail } }: Configuration,
  names: Names,
): string => {
  const console = `https://${region}.console.aws.amazon.com/cloudwatch/home?region=${region}#`;
  const told = alarmEmail
    ? `${alarmEmail}, once its owner has confirmed AWS's mail`
    : 'nobody: set observability.alarmEmail';
  const pushes = [names.web, names.was, names.learning].map(
    ({ delivery }) =>
      `  git push https://git-codecommit.${region}.amazonaws.com/v1/repos/${delivery.source} HEAD:${source.branch}`,
  );
  const push =
    source.provider === 'github'
      ? [`A push to ${source.branch} of ${source.repository} is built and deployed.`]
      : ['A push to CodeCommit is built and deployed (see docs/deploying.md for access):', ...pushes];
  const { pipelines, endpoint } = names.learning;
  return [
    `Dashboard: ${console}dashboards/dashboard/${names.dashboard}`,
    `Logs:      ${names.web.logGroup}, ${names.was.logGroup} (queries and remedies: docs/operating.md)`,
    `Alarms:    ${names.alarmTopic}, tells ${told}`,
    '',
    ...push,
    `Photos are answered once a model is on the endpoint ${endpoint}. Train one and put it there; without the first`,
    'command, which fetches a pretrained network to build on, it starts from random weights:',
    `  node --import tsx scripts/fetch-backbone.ts && aws s3 cp --recursive build/mobilenet ${inputPrefix(names.buckets.dataset, FOLDERS.pretrained)}`,
    `  aws s3 sync path/to/photos ${inputPrefix(names.buckets.dataset, FOLDERS.photos)} --region ${region}`,
    `  aws sagemaker start-pipeline-execution --pipeline-name ${pipelines.deploy} --region ${region}`,
  ].join('\n');
};

const HEAD = `Usage: npm run deploy [-- options]

Plans, asks, builds the first images and applies. Exits with 2 when data would be lost or permissions widened, with 1 on
an error.
`;

await runCommand({ head: HEAD, options }, async ({ yes, allowLoss, widen = '', skipPreflight }) => {
  const configured = readConfiguration();
  takeLock(LOCK_FILE, 'npm run deploy');
  const caller = await requireCaller(createStsClient(configured.region));
  const approval = { yes, allowLoss, widen: widen.split(',') };

  print(`1/4 Plan for AWS account ${caller.account}, as ${caller.arn}`);
  const synthesized = await synthesizeTarget(configured, caller);
  const target = skipPreflight ? await openTarget(synthesized) : await passPreflight(caller, synthesized);
  const { config } = target;
  const clients = createClients(config.region);
  const approved = await planAndApprove(target, approval);

  print('2/4 Images');
  const built = await buildFirstImages(target, approved, clients);
  if (!built) print('No image has to be built.');

  print('3/4 Settings');
  // What the images were built with is there by now, so the approved plan no longer fits.
  const plan = built ? await planAndApprove(target, approval) : approved;
  await applyPlan(target.terraform, plan, statusLine());
  print(`${plan.operations} operations done.`);

  print('4/4 Services');
  const url = await rollOutServices(target, clients);
  print(`\nDeployed: ${url}\n\n${nextSteps(config, resourceNames(config))}`);
  return 0;
});
