import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { StepFailure } from './execution/failure.ts';
import { givenPrefix, namingOf, withNaming } from './given-places.ts';
import { execute, job } from './testing.ts';

const ID = 'abc123abc123';

let root: string;
let archive: string;
before(() => {
  root = mkdtempSync(path.join(tmpdir(), 'bloomstack-places-'));
  archive = path.join(root, 'roses.tar.gz');
  writeFileSync(archive, 'model');
});
after(() => rmSync(root, { recursive: true }));

const naming = () =>
  namingOf({
    id: ID,
    asked: { pipeline: 'deploy', values: {}, files: { TrainData: root, InitialModel: archive } },
  });

test('what was given with an option is called as it was given', async () => {
  const named = await naming();
  const [data, model] = [givenPrefix(ID, 'TrainData'), givenPrefix(ID, 'InitialModel')];
  const cases: [text: string, expected: string][] = [
    [`Nothing lies at ${data}.`, `Nothing lies at ${root}/.`],
    [`${data}rose/1.jpg is empty.`, `${root}/rose/1.jpg is empty.`],
    [`Look at ${data.slice(0, -1)}: it is empty.`, `Look at ${root}: it is empty.`],
    [`${model}model.tar.gz cannot be unpacked.`, `${archive} cannot be unpacked.`],
    [model, archive],
    ['s3://photos/none/', 's3://photos/none/'],
  ];
  for (const [text, expected] of cases) assert.equal(named(text), expected);
});

test('whatever a step tells is told so, also when it fails', async () => {
  const photo = `${givenPrefix(ID, 'TrainData')}1.jpg`;
  const { execution, changes } = await execute(
    [job('Work')],
    withNaming(
      async (_step, _request, { report, warn }) => {
        report(`Read ${photo}.`);
        warn(`${photo} is blurred.`);
        throw new StepFailure(`${photo} is gone.`);
      },
      await naming(),
    ),
  );
  const shown = path.join(root, '1.jpg');
  assert.ok(changes.some(({ note }) => note === `Read ${shown}.`));
  const [state] = execution.states;
  assert.deepEqual(state?.warnings, [`${shown} is blurred.`]);
  assert.equal(state?.note, `${shown} is gone.`);
});

test('a failure that may be repeated stays one', async () => {
  const failing = withNaming(
    async () => {
      throw new StepFailure('No machine.', { exception: 'SageMaker.CAPACITY_ERROR' });
    },
    await naming(),
  );
  const RetryPolicies = [
    { ExceptionType: ['SageMaker.CAPACITY_ERROR'], IntervalSeconds: 1, BackoffRate: 1, MaxAttempts: 2 },
  ];
  const { changes } = await execute([job('Work', {}, { RetryPolicies })], failing);
  assert.ok(changes.some(({ note }) => note?.includes('Trying again (2 of 2)')));
});
