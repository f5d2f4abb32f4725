import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import type { ExecutionRecord } from './record.ts';
import { outputOf } from './tiny-definition.ts';
import { Workspace } from './workspace.ts';

/** An execution that has just started. */
const recordOf = (id: string, changes: Partial<ExecutionRecord> = {}): ExecutionRecord => ({
  id,
  startedAt: '2026-01-01',
  status: 'Executing',
  resumable: true,
  asked: { pipeline: 'deploy', values: {}, files: {} },
  outputs: {},
  ...changes,
});

const root = temporaryFolder({ after });
let build: string;
let workspace: Workspace;
beforeEach(() => {
  build = mkdtempSync(path.join(root, '-'));
  workspace = new Workspace({ BUILD_DIR: build });
});

const write = (file: string, content = 'content') => {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
};

test('folders that may be empty have a placeholder, as in AWS, next to what is there', async () => {
  const { s3 } = workspace;
  const pretrained = s3.path('s3://photos/pretrained/');
  write(path.join(pretrained, 'model.json'), '{}');

  await workspace.providePlaceholders([
    's3://photos/none/',
    's3://photos/pretrained/',
    's3://photos/flowers/',
    's3://photos/mine/none/',
    10,
  ]);

  assert.deepEqual(readdirSync(s3.path('s3://photos/')).sort(), ['none', 'pretrained']);
  assert.deepEqual(readdirSync(pretrained).sort(), ['README.txt', 'model.json']);
  assert.match(
    readFileSync(path.join(pretrained, 'README.txt'), 'utf8'),
    /--to s3:\/\/photos\/pretrained\/\n/,
  );
  assert.match(readFileSync(s3.path('s3://photos/none/README.txt'), 'utf8'), /on purpose/);
});

test('the archives of trained models are found on this machine', () => {
  const uri = 's3://data/models/trainer/output/model.tar.gz';
  const trained = { ...outputOf('Train'), properties: { ModelArtifacts: { S3ModelArtifacts: uri } } };
  const outputs = new Map([
    ['Train', trained],
    ['Evaluate', outputOf('Evaluate')],
  ]);
  assert.deepEqual(workspace.models(outputs), [
    path.join(build, 'pipeline/s3/data/models/trainer/output/model.tar.gz'),
  ]);
});

describe('when an execution starts', () => {
  const [GONE, STOPPED, NEW] = ['gone00000000', 'stopped00000', 'new000000000'] as const;
  let photos: string;

  /** What an execution leaves, whose photos are links. */
  const leave = async (id: string, resumable: boolean, startedAt: string) => {
    const { s3, records, jobs } = workspace;
    await records.save(recordOf(id, { resumable, startedAt }));
    const prefix = await workspace.provide(id, 'TrainData', photos);
    await s3.provide(prefix, path.join(jobs, `trainer-${id}-x/opt/ml/input/data/train`));
    await s3.share(`s3://data/checkpoints/${id}`, path.join(jobs, `trainer-${id}-x/opt/ml/checkpoints`));
    write(s3.path(`s3://data/checkpoints/${id}/a.checkpoint`));
    write(path.join(jobs, `trainer-${id}-x/opt/ml/output/data/MODEL_CARD.md`));
    write(s3.path(`s3://data/models/trainer-${id}-x/output/model.tar.gz`));
    write(s3.path(`s3://data/reports/${id}/evaluation.json`));
    await workspace.reports(
      new Map([['Train', { ...outputOf('Train'), properties: { TrainingJobName: `trainer-${id}-x` } }]]),
    );
  };

  const traces = (folder: string, id: string) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes(id));

  beforeEach(async () => {
    photos = path.join(build, 'my-photos');
    write(path.join(photos, 'rose/1.jpg'), 'photo');
    await leave(STOPPED, true, '2026-01-01');
    await leave(GONE, false, '2026-01-02');
    await leave(NEW, true, '2026-01-03');
  });

  test('what cannot be resumed is removed; the last before it that can be keeps all, and so do models, reports and photos', async () => {
    const { folder, jobs, s3, endpoint, sageMakerState } = workspace;
    const others = [
      path.join(folder, `registry/models/pipelines-${GONE}-CreateModel-x.json`),
      path.join(endpoint, 'image-classifier/1/saved_model.pb'),
      sageMakerState,
    ];
    for (const file of others) write(file);
    const before = traces(folder, STOPPED);

    await workspace.clean(NEW);

    assert.deepEqual(readdirSync(jobs).sort(), [`trainer-${NEW}-x`, `trainer-${STOPPED}-x`]);
    assert.deepEqual(traces(path.join(folder, 'executions'), GONE), []);
    assert.deepEqual(traces(s3.path('s3://this-machine/'), GONE), []);
    assert.deepEqual(traces(s3.path('s3://data/checkpoints/'), GONE), []);
    assert.deepEqual(traces(folder, STOPPED), before);
    assert.equal((await workspace.records.all()).length, 2);
    for (const file of [
      ...others,
      path.join(photos, 'rose/1.jpg'),
      s3.path(`s3://data/models/trainer-${GONE}-x/output/model.tar.gz`),
      s3.path(`s3://data/reports/${GONE}/evaluation.json`),
      path.join(folder, `reports/trainer-${GONE}-x/MODEL_CARD.md`),
    ])
      assert.ok(existsSync(file), file);
  });

  test('an execution has a checkpoint, or not', async () => {
    assert.equal(await workspace.hasCheckpoint(NEW), true);
    rmSync(workspace.s3.path(`s3://data/checkpoints/${NEW}/a.checkpoint`));
    assert.equal(await workspace.hasCheckpoint(NEW), false);
  });
});

test('the last that can be resumed is found, also when others have ended since', async () => {
  const { records } = workspace;
  const stopped = recordOf('stopped00000', { startedAt: '2026-01-02', status: 'Stopped' });
  for (const record of [
    recordOf('older0000000', { startedAt: '2026-01-01', status: 'Stopped' }),
    stopped,
    recordOf('succeeded000', { startedAt: '2026-01-03', status: 'Succeeded', resumable: false }),
    recordOf('refused00000', { startedAt: '2026-01-04', status: 'Failed', resumable: false }),
  ])
    await records.save(record);
  assert.deepEqual(await records.lastResumable(), stopped);
});

test('where none can be, it says why', async () => {
  const { records } = workspace;
  await assert.rejects(
    records.lastResumable(),
    /There is no execution to resume\. Start one: npm run pipeline/,
  );
  await records.save(recordOf('succeeded000', { status: 'Succeeded', resumable: false }));
  await assert.rejects(
    records.lastResumable(),
    /The last execution, succeeded000, has succeeded: nothing is left of it to resume\. Start another/,
  );
});

test('one that cannot be read blocks nothing, and can be removed', async () => {
  const { records } = workspace;
  const folder = path.join(workspace.folder, 'executions');
  write(path.join(folder, 'damaged00000.json'), '{"id":');
  write(path.join(folder, 'a.json'), 'not ours');
  assert.deepEqual(await records.ids(), ['damaged00000']);
  assert.deepEqual(await records.all(), []);
  await records.remove('damaged00000');
  assert.deepEqual(readdirSync(folder), ['a.json']);
});
