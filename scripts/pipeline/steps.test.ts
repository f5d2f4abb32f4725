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
import { list } from 'tar';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { ModelRegistry } from '../aws-double/registry.ts';
import type { ExecutionOptions } from './execution.ts';
import { LocalS3 } from './local-s3.ts';
import { LogMetrics, localRunner } from './steps.ts';
import { condition, execute, fail, job, reported, training } from './tiny-definition.ts';

const root = temporaryFolder({ after });
let folder: string;
let s3: LocalS3;
beforeEach(() => {
  folder = mkdtempSync(path.join(root, '-'));
  s3 = new LocalS3(path.join(folder, 's3'));
  mkdirSync(s3.path('s3://bucket/photos/rose'), { recursive: true });
  writeFileSync(s3.path('s3://bucket/photos/rose/1.jpg'), 'photo');
});

/** What the program of every job begins with. */
const PRELUDE = `
  import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
  const at = (file) => process.env.OPT_ML_ROOT + file;
  const write = (file, text) => writeFileSync(at(file), text);
`;

/** Runs steps whose jobs are all this program. */
const run = (steps: readonly object[], program: string, options: Partial<ExecutionOptions> = {}) => {
  const script = path.join(folder, 'job.mjs');
  writeFileSync(script, PRELUDE + program);
  const runner = localRunner({
    s3,
    registry: new ModelRegistry(path.join(folder, 'registry')),
    jobs: path.join(folder, 'jobs'),
    entryPoint: [process.execPath, script],
    overrides: { REQUIRE_GPU: 'false' },
    sageMaker: async () => ({ AWS_ENDPOINT_URL_SAGEMAKER: 'http://local' }),
  });
  return execute(steps, runner, options);
};

const noteOf = ({ execution }: Awaited<ReturnType<typeof run>>, step: string) =>
  String(execution.states.find(({ name }) => name === step)?.note);

const WRITE_MODEL = `
  mkdirSync(at('/opt/ml/model/flowers/1'), { recursive: true });
  write('/opt/ml/model/flowers/1/saved_model.pb', 'model');
`;

describe('a training job', () => {
  test('gets what SageMaker gives it, and its model is packed', async () => {
    process.env['AWS_PROFILE'] = 'mine';
    const result = await run(
      [training('Train')],
      `${WRITE_MODEL}
      const { epochs } = JSON.parse(readFileSync(at('/opt/ml/input/config/hyperparameters.json')));
      const { hosts } = JSON.parse(readFileSync(at('/opt/ml/input/config/resourceconfig.json')));
      const photos = readdirSync(at('/opt/ml/input/data/train/rose'));
      const { REQUIRE_GPU, TRAINING_JOB_NAME, AWS_PROFILE } = process.env;
      console.log('loss=0.5;');
      for (let time = 0; time < 2; time++) console.log('Warning: Few photos.');
      console.log('Epoch 2: loss=0.25;');
      write('/opt/ml/output/data/seen.json', JSON.stringify(
        [process.argv[2], typeof epochs, epochs, photos, hosts.length, REQUIRE_GPU, TRAINING_JOB_NAME, AWS_PROFILE]));`,
    );
    delete process.env['AWS_PROFILE'];
    assert.deepEqual(result.statuses, { Train: 'Succeeded' }, noteOf(result, 'Train'));
    const [name = ''] = readdirSync(path.join(folder, 'jobs'));
    assert.match(name, /^trainer-abc123abc123-[a-z0-9]{10}$/);
    const seen: unknown = JSON.parse(
      readFileSync(path.join(folder, 'jobs', name, 'opt/ml/output/data/seen.json'), 'utf8'),
    );
    assert.deepEqual(seen, ['train', 'string', '1', ['1.jpg'], 1, 'false', name, null]);
    assert.equal(noteOf(result, 'Train'), 'Epoch 2: training:loss 0.250');
    const { warnings } = result.execution.states[0] ?? {};
    assert.deepEqual(warnings, ['Few photos.'], 'once, however often it was said');

    const uri = `s3://bucket/models/${name}/output/model.tar.gz`;
    const { properties } = result.execution.outputs.get('Train') ?? {};
    assert.deepEqual(properties?.['ModelArtifacts'], { S3ModelArtifacts: uri });
    assert.deepEqual(properties?.['FinalMetricDataList'], [{ MetricName: 'training:loss', Value: 0.25 }]);
    const entries: string[] = [];
    await list({ file: s3.path(uri), onReadEntry: (entry) => entries.push(entry.path) });
    assert.ok(entries.includes('flowers/1/saved_model.pb'), entries.join());
    assert.ok(existsSync(s3.path(`s3://bucket/models/${name}/output/output.tar.gz`)));
  });

  const failures: [name: string, program: string, expected: RegExp][] = [
    [
      'its own reason',
      `write('/opt/ml/output/failure', 'No photos.'); process.exit(1);`,
      /^No photos\. .*log/,
    ],
    [
      'its reason without where in the code that was',
      `write('/opt/ml/output/failure', 'No photos.\\n\\n    at read (job.ts:1:1)'); process.exit(1);`,
      /^No photos\. The job's log is [^\n]*$/,
    ],
    ['its last words', `console.error('Out of paper.'); process.exit(3);`, /^Exit code 3: Out of paper\./],
    ['that it left no model', '', /ended before its time: it has left no model/],
    ['the signal that ended it', `process.kill(process.pid, 'SIGKILL');`, /was ended by SIGKILL/],
  ];
  for (const [name, program, expected] of failures) {
    test(`that fails reports ${name}`, async () => {
      const result = await run([training('Train')], program);
      assert.deepEqual(result.statuses, { Train: 'Failed' });
      assert.match(noteOf(result, 'Train'), expected);
    });
  }

  test('reports S3 addresses in place of its folders', async () => {
    const result = await run(
      [training('Train')],
      `const photo = at('/opt/ml/input/data/train/rose/1.jpg');
      console.log('Warning: ' + at('/opt/ml/checkpoints') + '/half is damaged.');
      write('/opt/ml/output/failure', photo + ' cannot be read.');
      process.exit(1);`,
    );
    assert.match(noteOf(result, 'Train'), /^s3:\/\/bucket\/photos\/rose\/1\.jpg cannot be read\./);
    assert.deepEqual(result.execution.states[0]?.warnings, [
      's3://bucket/checkpoints/abc123abc123/half is damaged.',
    ]);
  });

  test('without photos is not started', async () => {
    rmSync(s3.path('s3://bucket/photos/'), { recursive: true });
    const result = await run([training('Train')], WRITE_MODEL);
    assert.match(noteOf(result, 'Train'), /The channel train is empty\. .*s3:\/\/bucket\/photos\//);
  });

  test('that takes too long is stopped', async () => {
    const slow = training('Train');
    slow.Arguments.StoppingCondition.MaxRuntimeInSeconds = 1;
    const result = await run([slow], 'setInterval(() => {}, 1000);');
    assert.match(noteOf(result, 'Train'), /was stopped after 1 s, its MaxRuntimeInSeconds/);
  });
});

describe('a processing job', () => {
  test('writes what later steps read', async () => {
    const result = await run(
      [
        job('Evaluate'),
        condition(
          'Check',
          [reported('Evaluate', 'accuracy.value'), 0.9],
          [job('Deploy')],
          [fail('Bad', 'bad')],
        ),
      ],
      `mkdirSync(at('/opt/ml/output'), { recursive: true });
      write('/opt/ml/output/message', 'Fine.');
      write('/opt/ml/processing/output/report/report.json', '{"accuracy":{"value":0.95}}');`,
    );
    assert.deepEqual(result.statuses, {
      Evaluate: 'Succeeded',
      Check: 'Succeeded',
      Deploy: 'Succeeded',
      Bad: 'NotRun',
    });
    assert.equal(noteOf(result, 'Evaluate'), 'Fine.');
    assert.ok(existsSync(s3.path('s3://bucket/reports/Evaluate/report.json')));
  });

  test('that is not isolated from the network reaches the local SageMaker, another does not', async () => {
    const open = job('Open');
    open.Arguments.NetworkConfig.EnableNetworkIsolation = false;
    const result = await run(
      [job('Closed'), open],
      `const { AWS_ENDPOINT_URL_SAGEMAKER = 'none' } = process.env;
      write('/opt/ml/processing/output/report/report.json', JSON.stringify(AWS_ENDPOINT_URL_SAGEMAKER));`,
    );
    const reports = [...result.execution.outputs].map(([name, output]) => [name, output.propertyFiles]);
    assert.deepEqual(Object.fromEntries(reports), {
      Closed: { Report: 'none' },
      Open: { Report: 'http://local' },
    });
  });

  test('fails where it does not write the JSON that it should', async () => {
    for (const program of ['', `write('/opt/ml/processing/output/report/report.json', 'accuracy: 1');`]) {
      const result = await run([job('Evaluate')], program);
      assert.deepEqual(result.statuses, { Evaluate: 'Failed' });
      assert.match(noteOf(result, 'Evaluate'), /The step Evaluate was to write JSON to .*report\.json/);
    }
  });
});

const METRICS = [
  { Name: 'training:loss', Regex: '\\bloss=([0-9.]+);' },
  { Name: 'training:accuracy', Regex: 'accuracy=([0-9.]+);' },
];

test('a line shows the metrics that it holds, in short; the last value of each is kept in full', () => {
  const metrics = new LogMetrics(METRICS);
  for (const [line, shown] of [
    ['Epoch 1. loss=0.12345; accuracy=0.25;', 'Epoch 1. training:loss 0.123, training:accuracy 0.250'],
    ['Measuring.', 'Measuring.'],
    ['loss=0.1;', 'training:loss 0.100'],
    ['loss=...;', 'loss=...;'],
  ] as const)
    assert.equal(metrics.read(line), shown);
  assert.deepEqual(metrics.final, [
    { MetricName: 'training:loss', Value: 0.1 },
    { MetricName: 'training:accuracy', Value: 0.25 },
  ]);
});
