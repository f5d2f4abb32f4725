import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import type { ExecutionRecord } from './record.ts';
import { Workspace } from './workspace.ts';

/** An execution that has just started. */
const recordOf = (id: string, changes: Partial<ExecutionRecord> = {}): ExecutionRecord => ({
  id,
  startedAt: '2026-01-01',
  status: 'Executing',
  resumable: true,
  request: { pipeline: 'deploy', values: {}, files: {} },
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

test('an object is a file below its bucket', () => {
  const { s3, folder } = workspace;
  assert.equal(s3.path('s3://my-bucket/a/b.txt'), path.join(folder, 's3/my-bucket/a/b.txt'));
  for (const uri of ['http://my-bucket/a', 's3://my-bucket', 's3:///a', 'photos/', 's3://B/a'])
    assert.throws(() => s3.path(uri), /is not an S3 URI/);
  for (const uri of ['s3://my-bucket/../other/a', 's3://my-bucket/a/../../../b'])
    assert.throws(() => s3.path(uri), /points outside its bucket/);
});

test('when an execution starts, those that cannot be resumed are removed; the last resumable one, models and photos stay', async () => {
  const [GONE, STOPPED, NEW] = ['gone00000000', 'stopped00000', 'new000000000'] as const;
  const { folder, jobs, s3, endpoint, sageMakerState, records } = workspace;
  const photo = path.join(build, 'my-photos/rose/1.jpg');
  write(photo, 'photo');
  for (const [id, resumable, startedAt] of [
    [STOPPED, true, '2026-01-01'],
    [GONE, false, '2026-01-02'],
    [NEW, true, '2026-01-03'],
  ] as const) {
    const job = `trainer-${id}-x`;
    await records.save(recordOf(id, { resumable, startedAt }));
    const prefix = await workspace.provide(id, 'TrainData', path.join(build, 'my-photos'));
    await s3.provide(prefix, path.join(jobs, job, 'opt/ml/input/data/train'));
    await s3.share(`s3://data/checkpoints/${id}`, path.join(jobs, job, 'opt/ml/checkpoints'));
    write(s3.path(`s3://data/checkpoints/${id}/a.checkpoint`));
    write(path.join(jobs, job, 'opt/ml/output/data/MODEL_CARD.md'));
    write(s3.path(`s3://data/reports/${id}/evaluation.json`));
    const uri = `s3://data/models/${job}/output/model.tar.gz`;
    write(s3.path(uri));
    const outputs = {
      Train: { TrainingJobName: job, ModelArtifacts: { S3ModelArtifacts: uri } },
      Evaluate: { ProcessingJobName: 'job' },
    };
    assert.deepEqual(await workspace.trained(outputs), {
      models: [path.join(build, `pipeline/s3/data/models/${job}/output/model.tar.gz`)],
      reports: [path.join(folder, 'reports', job, 'MODEL_CARD.md')],
    });
  }
  const kept = [
    photo,
    path.join(folder, `registry/models/pipelines-${GONE}-CreateModel-x.json`),
    path.join(endpoint, 'image-classifier/1/saved_model.pb'),
    sageMakerState,
  ];
  for (const file of kept) write(file);
  const traces = (place: string, id: string) =>
    readdirSync(place, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes(id));
  const before = traces(folder, STOPPED);

  await workspace.clean(NEW);

  assert.deepEqual(readdirSync(jobs).sort(), [`trainer-${NEW}-x`, `trainer-${STOPPED}-x`]);
  for (const place of [
    path.join(folder, 'executions'),
    s3.path('s3://this-machine/'),
    s3.path('s3://data/checkpoints/'),
  ])
    assert.deepEqual(traces(place, GONE), []);
  assert.deepEqual(traces(folder, STOPPED), before);
  for (const file of [
    ...kept,
    s3.path(`s3://data/models/trainer-${GONE}-x/output/model.tar.gz`),
    s3.path(`s3://data/reports/${GONE}/evaluation.json`),
    path.join(folder, `reports/trainer-${GONE}-x/MODEL_CARD.md`),
  ])
    assert.ok(existsSync(file), file);
});

test('the last resumable execution is found, also when others have ended since; if there is none, it says why', async () => {
  const { records, folder } = workspace;
  write(path.join(folder, 'executions/damaged00000.json'), '{"id":');
  await assert.rejects(records.lastResumable(), /There is no execution to resume\. Start one: npm run/);
  await records.save(
    recordOf('refused00000', { startedAt: '2026-01-04', status: 'Failed', resumable: false }),
  );
  await assert.rejects(
    records.lastResumable(),
    /The last, refused00000, has failed and cannot be resumed\. Start another/,
  );
  const stopped = recordOf('stopped00000', { startedAt: '2026-01-02', status: 'Stopped' });
  await records.save(recordOf('older0000000', { startedAt: '2026-01-01', status: 'Stopped' }));
  await records.save(stopped);
  assert.deepEqual(await records.lastResumable(), stopped);
});
