import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { stackOf } from '../plan/plan-fixtures.ts';
import { planAndReview } from '../plan/review-plan.ts';
import { applyPlan, makePlan, TerraformProgress } from './apply.ts';
import { fakeTerraform } from './fake-terraform.ts';
import { SYNTH_FOLDER } from './synth.ts';
import { Terraform } from './terraform.ts';

const line = (type: string, rest: object = {}) => JSON.stringify({ '@level': 'info', type, ...rest });
const hook = (type: string, addr: string, elapsed_seconds?: number) =>
  line(type, { hook: { resource: { addr, module: '' }, elapsed_seconds } });
const change = (type: string, action: string) =>
  line(type, { change: { resource: { addr: `a.${action}` }, action } });

const accepting = (progress: TerraformProgress, ...lines: string[]): TerraformProgress => {
  for (const each of lines) progress.accept(each);
  return progress;
};

test('a plan announces its operations: a replacement is two, a read none', () => {
  const { planned, read, problems } = accepting(
    new TerraformProgress(),
    line('version', { terraform: '1.11.4', ui: '1.2' }),
    hook('refresh_complete', 'a.b'),
    ...['create', 'update', 'delete', 'replace', 'read', 'noop'].map((each) =>
      change('planned_change', each),
    ),
    change('resource_drift', 'update'),
    line('something_new', { hook: 'of another form' }),
  );
  assert.deepEqual({ planned, read, problems }, { planned: 5, read: 1, problems: [] });
});

test('an apply shows what is done, and the resource that takes longest', () => {
  const progress = accepting(
    new TerraformProgress(3),
    hook('apply_start', 'aws_vpc.network'),
    hook('apply_start', 'aws_lb.web-alb'),
    hook('apply_progress', 'aws_lb.web-alb', 125),
    hook('apply_complete', 'aws_vpc.network', 2),
  );
  assert.equal(progress.now, '1 of 3 · aws_lb.web-alb (2 min 5 s)');
  assert.equal(accepting(progress, hook('apply_errored', 'aws_lb.web-alb', 130)).now, '1 of 3');
});

test('errors keep Terraform’s text and the resource they are about, and so does what is not of the format', () => {
  const error = { severity: 'error', summary: 'creating ALB', detail: 'AccessDenied', address: 'aws_lb.web' };
  const { problems } = accepting(
    new TerraformProgress(1),
    line('diagnostic', {
      diagnostic: { severity: 'warning', summary: 'Deprecated', detail: 'Use another.' },
    }),
    line('diagnostic', { diagnostic: error }),
    'panic: runtime error',
    '',
  );
  assert.deepEqual(problems, ['aws_lb.web: creating ALB\n  AccessDenied', 'panic: runtime error']);
});

/** Plans into a file, and notes what it is asked to apply. */
const PLANNING = `case "$1" in
plan) for each in "$@"; do case "$each" in -out=*) echo "a plan" > "\${each#-out=}";; esac; done;;
apply) echo applied > applied;;
esac`;

const planner = (t: TestContext, script = PLANNING) => {
  const directory = temporaryFolder(t);
  const terraform = new Terraform({ binary: fakeTerraform(t, script), directory, environment: process.env });
  return { terraform, directory, wasApplied: () => existsSync(path.join(directory, 'applied')) };
};

for (const [title, spoil] of [
  ['is applied if it is still the one that was made', undefined],
  ['that another has taken the place of is not', (file: string) => writeFileSync(file, 'another plan')],
  ['that is gone is not', (file: string) => rmSync(file)],
] as const)
  test(`a plan ${title}`, async (t) => {
    const { terraform, directory, wasApplied } = planner(t);
    const plan = await makePlan(terraform, [], () => {}, path.join(directory, 'approved/plan.tfplan'));
    spoil?.(plan.file);
    const applying = applyPlan(terraform, plan, () => {});
    await (spoil ? assert.rejects(applying, /no longer the plan that was reviewed/) : applying);
    assert.equal(wasApplied(), spoil === undefined);
  });

for (const [summary, detail, expected] of [
  [
    'Error acquiring the state lock',
    'PreconditionFailed\n\nLock Info:\n  ID:        b1-c2\n  Path: x',
    /chdir=\S+ force-unlock b1-c2$/,
  ],
  ['creating S3 Bucket', 'BucketAlreadyOwnedByYou: it is yours', /chdir=\S+ import ADDRESS ID\n/],
  ['creating IAM Role (app-web)', 'EntityAlreadyExists', /chdir=\S+ import aws_iam_role\.web app-web\n/],
  ['creating IAM Role', 'AccessDenied', /AccessDenied$/],
] as const)
  test(`after a run that was killed: ${summary}, ${detail.split('\n')[0]}`, async (t) => {
    const diagnostic = { severity: 'error', summary, detail, address: 'aws_iam_role.web' };
    const said = line('diagnostic', { diagnostic });
    const { terraform } = planner(t, `cat <<'END'\n${said}\nEND\nexit 1`);
    await assert.rejects(
      makePlan(terraform, [], () => {}),
      ({ message }: Error) => expected.test(message),
    );
  });

test('a plan that fails leaves no earlier one in its place, and no review', async (t) => {
  const { terraform, directory } = planner(t, 'exit 1');
  const stack = { ...stackOf(), directory };
  const files = [path.join(directory, 'plan.tfplan'), path.join(SYNTH_FOLDER, `review-${stack.name}.md`)];
  mkdirSync(SYNTH_FOLDER, { recursive: true });
  for (const file of files) writeFileSync(file, 'of an earlier plan');
  await assert.rejects(planAndReview({ terraform, stack }, []), /terraform plan failed/);
  assert.deepEqual(files.filter(existsSync), []);
});
