import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { applyPlan, describeDiagnostic, makePlan, TerraformProgress } from './apply.ts';
import { fakeTerraform } from './fake-terraform.ts';
import { Terraform } from './terraform.ts';

const line = (type: string, rest: object) =>
  JSON.stringify({ '@level': 'info', '@message': '', type, ...rest });
const hook = (addr: string, elapsed?: number) => ({
  hook: {
    resource: { addr, module: '', resource_type: addr.split('.')[0] },
    action: 'create',
    ...(elapsed !== undefined && { elapsed_seconds: elapsed }),
  },
});

const accepting = (progress: TerraformProgress, lines: string[]): TerraformProgress => {
  for (const each of lines) progress.accept(each);
  return progress;
};

test('a plan announces its operations: a replacement is two, a read none', () => {
  const planned = (action: string) =>
    line('planned_change', { change: { resource: { addr: `a.${action}` }, action } });
  const progress = accepting(new TerraformProgress(), [
    line('version', { terraform: '1.11.4', ui: '1.2' }),
    line('refresh_complete', { hook: { resource: { addr: 'a.b' }, id_key: 'id' } }),
    ...['create', 'update', 'delete', 'replace', 'read', 'noop'].map(planned),
  ]);
  assert.equal(progress.planned, 5);
  assert.equal(progress.read, 1);
});

test('an apply shows what is done, the resource that takes longest, and the one that was done last', () => {
  const progress = accepting(new TerraformProgress(3), [
    line('apply_start', hook('aws_vpc.network')),
    line('apply_start', hook('aws_lb.web-alb')),
    line('apply_progress', hook('aws_lb.web-alb', 125)),
    line('apply_complete', hook('aws_vpc.network', 2)),
  ]);
  assert.equal(progress.now, '1 of 3 · aws_lb.web-alb (2 min 5 s)');
  assert.equal(progress.latest, '1 of 3 · aws_vpc.network');
  progress.accept(line('apply_complete', hook('aws_lb.web-alb', 130)));
  assert.equal(progress.now, '2 of 3');
});

test('errors keep Terraform’s text and the resource they are about', () => {
  const progress = accepting(new TerraformProgress(1), [
    line('apply_start', hook('aws_lb.web-alb')),
    line('apply_errored', hook('aws_lb.web-alb', 3)),
    line('diagnostic', {
      diagnostic: { severity: 'warning', summary: 'Deprecated', detail: 'Use another.' },
    }),
    line('diagnostic', {
      diagnostic: {
        severity: 'error',
        summary: 'creating ELBv2 Load Balancer',
        detail: 'AccessDenied',
        address: 'aws_lb.web-alb',
        range: { filename: 'cdk.tf.json' },
      },
    }),
  ]);
  assert.deepEqual(progress.errors.map(describeDiagnostic), [
    'aws_lb.web-alb: creating ELBv2 Load Balancer\n  AccessDenied',
  ]);
  assert.equal(progress.diagnostics.length, 2);
  assert.equal(progress.now, '0 of 1');
});

test('types of later versions are ignored; lines outside the format are kept', () => {
  const progress = accepting(new TerraformProgress(), [
    line('resource_drift', { change: { resource: { addr: 'a.b' }, action: 'update' } }),
    line('something_new', {}),
    'panic: runtime error',
    '',
  ]);
  assert.deepEqual(progress.unknown, ['panic: runtime error']);
  assert.equal(progress.planned, 0);
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

test('a plan is applied if it is still the one that was made', async (t) => {
  const { terraform, directory, wasApplied } = planner(t);
  const plan = await makePlan(terraform, [], () => {}, path.join(directory, 'approved/plan.tfplan'));
  await applyPlan(terraform, plan, () => {});
  assert.ok(wasApplied());
});

for (const [title, spoil] of [
  ['that another plan has taken the place of', (file: string) => writeFileSync(file, 'another plan')],
  ['that is gone', (file: string) => rmSync(file)],
] as const)
  test(`a plan ${title} is not applied`, async (t) => {
    const { terraform, wasApplied } = planner(t);
    const plan = await makePlan(terraform, [], () => {});
    spoil(plan.file);
    await assert.rejects(
      applyPlan(terraform, plan, () => {}),
      /no longer the plan that was reviewed/,
    );
    assert.equal(wasApplied(), false);
  });

test('a plan that fails leaves no earlier one in its place', async (t) => {
  const { terraform, directory } = planner(t, 'exit 1');
  const file = path.join(directory, 'plan.tfplan');
  writeFileSync(file, 'an earlier plan');
  await assert.rejects(
    makePlan(terraform, [], () => {}),
    /terraform plan failed/,
  );
  assert.equal(existsSync(file), false);
});
