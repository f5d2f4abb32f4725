import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import {
  DescribeTaskDefinitionCommand,
  RegisterTaskDefinitionCommand,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import { GetRolePolicyCommand } from '@aws-sdk/client-iam';
import { DescribePipelineCommand } from '@aws-sdk/client-sagemaker';
import { reviewPlan } from '../../scripts/plan/review.ts';
import { makePlan } from '../../scripts/terraform/apply.ts';
import type { StackFiles } from '../../scripts/terraform/synth.ts';
import { OFFLINE_PLAN, offlineTerraform } from '../../scripts/terraform/target.ts';
import { need, needTerraform } from '../requirements.ts';
import { type Emulator, findEmulator, MISSING_MOTO, startEmulator } from './emulator/emulator.ts';
import { clientsOf, type DeployWorkspace, openWorkspace, type TestAccount } from './workspace.ts';

/** The whole life of a deployment, in order: each test continues where the one before stopped. */

const { binary, options: terraform } = await needTerraform();
const emulated = need('emulator', findEmulator(), MISSING_MOTO);
const options = terraform.skip ? terraform : emulated;

let emulator: Emulator;
let workspace: DeployWorkspace;
let account: TestAccount;

before(async () => {
  if (options.skip) return;
  emulator = await startEmulator();
  workspace = openWorkspace(emulator, binary);
  account = clientsOf(emulator.url, 'ap-northeast-2');
});

after(async () => {
  if (options.skip) return;
  workspace.close();
  await emulator.stop();
});

const declared = (): string[] =>
  readFileSync(new URL('../../stacks/addresses.golden.txt', import.meta.url), 'utf8')
    .trim()
    .split('\n');

/** Reviews a plan; with WRITE_REVIEWS=1 the samples in docs/reviews are rewritten. */
const reviewed = (name: string, plan: unknown, stack: StackFiles) => {
  const review = reviewPlan(plan, stack);
  if (process.env['WRITE_REVIEWS'] === '1')
    writeFileSync(new URL(`../../docs/reviews/${name}.md`, import.meta.url), review.markdown);
  return review;
};

test('a first deployment is reviewed in full before anything is applied', options, async () => {
  const stack = workspace.write();
  await workspace.terraform.run('init', '-input=false', '-no-color');
  assert.deepEqual(Object.keys(await workspace.plan()).sort(), declared().sort());
  const { exitCode, markdown } = reviewed('first-deployment', await workspace.show(), stack);
  assert.equal(exitCode, 0);
  for (const part of ['app-web-alb', 'InvokeSageMakerEndpoint', 'sagemaker:InvokeEndpoint', '0.0.0.0/0'])
    assert.ok(markdown.includes(part), part);
});

test('an empty account: every resource is created, none is left out', options, async () => {
  await workspace.apply();
  assert.deepEqual((await workspace.addresses()).sort(), declared().sort());
  assert.ok(existsSync(workspace.stateFile), 'the state is in the project');
});

test('offline, a plan compares with the state in its file, and leaves it as it is', options, async () => {
  const state = readFileSync(workspace.stateFile, 'utf8');
  const offline = await offlineTerraform(workspace.write(), binary);
  assert.equal((await makePlan(offline, OFFLINE_PLAN, () => {})).operations, 0);
  assert.equal(readFileSync(workspace.stateFile, 'utf8'), state);
});

test('SageMaker has accepted all three learning pipelines, and Studio may start them', options, async () => {
  const { PolicyDocument = '' } = await account.iam.send(
    new GetRolePolicyCommand({ RoleName: 'app-sagemaker-studio-role', PolicyName: 'permissions' }),
  );
  const studio = decodeURIComponent(PolicyDocument);
  for (const PipelineName of ['AppMlPipeline-Train', 'AppMlPipeline-Model', 'AppMlPipeline-Deploy']) {
    const { PipelineDefinition = '', PipelineArn = '' } = await account.sageMaker.send(
      new DescribePipelineCommand({ PipelineName }),
    );
    assert.match(PipelineDefinition, /"Name":"Train"/);
    assert.ok(studio.includes(`"${PipelineArn}"`), `Studio may not start ${PipelineArn}`);
  }
});

test(
  'a second plan finds nothing to do, whatever the pipeline has deployed and autoscaling has scaled',
  options,
  async () => {
    const { taskDefinition } = await account.ecs.send(
      new DescribeTaskDefinitionCommand({ taskDefinition: 'app-web-td' }),
    );
    const [container] = taskDefinition?.containerDefinitions ?? [];
    const image = '123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/app-web:0123abc';
    const registered = await account.ecs.send(
      new RegisterTaskDefinitionCommand({
        family: 'app-web-td',
        networkMode: 'awsvpc',
        requiresCompatibilities: ['FARGATE'],
        cpu: taskDefinition?.cpu,
        memory: taskDefinition?.memory,
        containerDefinitions: [{ ...container, image }],
      }),
    );
    await account.ecs.send(
      new UpdateServiceCommand({
        cluster: 'AppEcsCluster',
        service: 'app-web-service',
        taskDefinition: registered.taskDefinition?.taskDefinitionArn,
        desiredCount: 3,
      }),
    );
    assert.deepEqual(await workspace.plan(), {});
  },
);

test(
  "more memory for one service is a new revision of its task definition, and nothing else's change",
  options,
  async () => {
    const stack = workspace.write({ web: { memory: 2048 } });
    assert.deepEqual(await workspace.plan('-refresh=false'), { 'aws_ecs_task_definition.web-td': 'replace' });
    assert.equal(reviewed('more-memory', await workspace.show(), stack).exitCode, 0);
  },
);

test('another address block for the network is reviewed as a loss', options, async () => {
  const stack = workspace.write({ network: { cidr: '10.1.0.0/16' } });
  assert.equal((await workspace.plan('-refresh=false'))['aws_vpc.network-vpc'], 'replace');
  const { exitCode, markdown } = reviewed('another-network', await workspace.show(), stack);
  assert.equal(exitCode, 2);
  assert.match(markdown, /app-sagemaker-studio|learning-studio-domain/);
});

test('a change is applied, and the plan after it is clean', options, async () => {
  // Another retention would take a minute: the provider waits until rules of buckets are everywhere.
  workspace.write({ web: { memory: 2048, maxTasks: 6 } });
  await workspace.plan('-refresh=false');
  await workspace.apply();
  assert.deepEqual(await workspace.plan(), {});
});

test('destroying leaves nothing', options, async () => {
  await workspace.terraform.run('destroy', '-auto-approve', '-input=false', '-no-color');
  assert.deepEqual(await workspace.addresses(), []);
});
