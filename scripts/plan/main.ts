import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { print, runCommand } from '../shared/cli.ts';
import { takeLock } from '../shared/lock.ts';
import { stateFile } from '../terraform/state.ts';
import { LOCK_FILE, readConfiguration, SYNTH_FOLDER } from '../terraform/synth.ts';
import {
  createStsClient,
  findCaller,
  openOfflineTarget,
  openTarget,
  synthesizeTarget,
  type Target,
} from '../terraform/target.ts';
import { planAndReview } from './review-plan.ts';

/**
 * What deploying would change, written for a reviewer. Exits with 0, with 2 when something that holds data would be
 * lost, with 1 on an error.
 */

const HEAD = `Usage: npm run plan [-- --offline]

Writes what a deployment would change to cdktf.out/review-<stack>.md.`;

const options = z.strictObject({
  offline: z.boolean().default(false).meta({ description: 'without AWS, even where there are credentials' }),
});

const OFFLINE = 'Planning offline: AWS is not asked.';

const explainOffline = ({ stack, deployed }: Target): string => {
  if (deployed.length > 0)
    return `Compared with the ${deployed.length} resources that the state knows, as they were then.`;
  const isFile = stateFile(stack) !== undefined;
  return `*** ${isFile ? 'Nothing is deployed from here' : 'The state is in S3, which is not read offline'}: this is a plan from nothing. ***`;
};

await runCommand({ head: HEAD, options }, async ({ offline }) => {
  const config = readConfiguration();
  takeLock(LOCK_FILE, 'npm run plan');
  const caller = offline ? undefined : await findCaller(createStsClient(config.region));
  let target: Target;
  if (caller) {
    print(`Planning against AWS account ${caller.account}, as ${caller.arn}.`);
    target = await openTarget(await synthesizeTarget(config, caller));
  } else {
    print(offline ? OFFLINE : `No AWS credentials found. ${OFFLINE}`);
    target = await openOfflineTarget(config);
    print(explainOffline(target));
  }
  const { stack, terraform, planOptions } = target;
  const { plan, review } = await planAndReview(target, planOptions);
  const { exitCode, summary, file } = review;
  const planText = path.join(SYNTH_FOLDER, `plan-${stack.name}.txt`);
  writeFileSync(planText, await terraform.run('show', '-no-color', plan.file));
  print(`${summary}

The whole review is in ${path.relative('', file)}, Terraform's own plan in ${path.relative('', planText)}.`);
  return exitCode;
});
