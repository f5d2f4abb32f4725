import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createStsClient, findCaller } from '../cloud/account.ts';
import { runCommand } from '../cloud/command.ts';
import { makePlan, review } from '../cloud/planning.ts';
import { statusLine } from '../cloud/status.ts';
import { planTextFile, stateFile } from '../cloud/synth.ts';
import { openOfflineTarget, openTarget, readConfiguration, type Target } from '../cloud/target.ts';
import { say } from '../progress.ts';

/**
 * What deploying would change, written for a reviewer. Exits with 0, with 2 when something that holds data would be
 * lost, with 1 on an error.
 */

const USAGE = `Usage: npm run plan [-- --offline]

Writes what a deployment would change to cdktf.out/review-<stack>.md.
  --offline   without AWS, even where there are credentials
`;

const OFFLINE = 'Planning offline: AWS is not asked.';

const explainOffline = ({ stack, deployed }: Target): void => {
  if (stateFile(stack) === undefined)
    say(
      '*** The state is in S3, which is not read offline: this is a plan from nothing, as if nothing were deployed. ***',
    );
  else if (deployed.length === 0) say('Nothing is deployed from here: this is a plan from nothing.');
  else say(`Compared with the ${deployed.length} resources that the state knows, as they were then.`);
};

await runCommand(async () => {
  const { values } = parseArgs({ options: { offline: { type: 'boolean' }, help: { type: 'boolean' } } });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const config = readConfiguration();
  const caller = values.offline ? undefined : await findCaller(createStsClient(config.region));
  let target: Target;
  if (caller) {
    say(`Planning against AWS account ${caller.account}, as ${caller.arn}.`);
    target = await openTarget(config, caller);
  } else {
    say(values.offline ? OFFLINE : `No AWS credentials found. ${OFFLINE}`);
    target = await openOfflineTarget(config);
    explainOffline(target);
  }
  const { stack, terraform, planOptions } = target;
  await terraform.run('validate', '-no-color');
  const plan = await makePlan(terraform, planOptions, statusLine());
  const { exitCode, summary, file } = await review(terraform, stack, plan);
  const planText = planTextFile(stack.name);
  writeFileSync(planText, await terraform.run('show', '-no-color', plan.file));
  say(`${summary}

The whole review is in ${path.relative('', file)}, Terraform's own plan in ${path.relative('', planText)}.`);
  return exitCode;
});
