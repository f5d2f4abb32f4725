import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { list } from 'tar';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { ModelRegistry } from '../aws-double/registry.ts';
import { LocalS3 } from './local-s3.ts';
import { localRunner } from './steps.ts';
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
const run = async (steps: readonly object[], program: string) => {
  const script = path.join(folder, 'job.mjs');
  writeFileSync(script, PRELUDE + program);
  const runner = localRunner({
    s3,
    registry: new ModelRegistry(path.join(folder, 'registry')),
    jobs: path.join(folder, 'jobs'),
    entryPoint: [process.execPath, script],
    sageMaker: async () => ({ AWS_ENDPOINT_URL_SAGEMAKER: 'http://local' }),
  });
  const { statuses, execution } = await execute(steps, runner);
  const [{ name = '', status = '', note = '', warnings = [] } = {}] = execution.states;
  return { statuses, outputs: execution.outputs, first: { name, status, note, warnings } };
};

const WRITE_MODEL = `
  mkdirSync(at('/opt/ml/model/flowers/1'), { recursive: true });
  write('/opt/ml/model/flowers/1/saved_model.pb', 'model');
`;

test('a training job gets what SageMaker gives it, and its model is packed', async () => {
  process.env['AWS_PROFILE'] = 'mine';
  const { first, outputs } = await run(
    [training('Train')],
    `${WRITE_MODEL}
    const { epochs } = JSON.parse(readFileSync(at('/opt/ml/input/config/hyperparameters.json')));
    const photos = readdirSync(at('/opt/ml/input/data/train/rose'));
    const { REQUIRE_GPU, TRAINING_JOB_NAME, AWS_PROFILE } = process.env;
    console.log('loss=0.5;');
    for (let time = 0; time < 2; time++) console.log('Warning: Few photos.');
    console.log('Epoch 2: loss=0.25;');
    write('/opt/ml/output/data/seen.json', JSON.stringify(
      [process.argv[2], epochs, photos, REQUIRE_GPU, TRAINING_JOB_NAME, AWS_PROFILE]));`,
  );
  delete process.env['AWS_PROFILE'];
  const warnings = ['Few photos.'];
  const note = 'Epoch 2: training:loss 0.250';
  assert.deepEqual(first, { name: 'Train', status: 'Succeeded', note, warnings });
  const [name = ''] = readdirSync(path.join(folder, 'jobs'));
  assert.match(name, /^trainer-abc123abc123-[a-z0-9]{10}$/);
  const seen = readFileSync(path.join(folder, 'jobs', name, 'opt/ml/output/data/seen.json'), 'utf8');
  assert.deepEqual(JSON.parse(seen), ['train', '1', ['1.jpg'], 'false', name, null]);

  const uri = `s3://bucket/models/${name}/output/model.tar.gz`;
  const output = outputs['Train'];
  assert.deepEqual(output?.['ModelArtifacts'], { S3ModelArtifacts: uri });
  assert.deepEqual(output?.['FinalMetricDataList'], [{ MetricName: 'training:loss', Value: 0.25 }]);
  const entries: string[] = [];
  await list({ file: s3.path(uri), onReadEntry: (entry) => entries.push(entry.path) });
  assert.ok(entries.includes('flowers/1/saved_model.pb'), entries.join());
  assert.ok(existsSync(s3.path(`s3://bucket/models/${name}/output/output.tar.gz`)));
});

const slow = training('Train');
slow.Arguments.StoppingCondition.MaxRuntimeInSeconds = 1;
const without = training('Train');
for (const { DataSource } of without.Arguments.InputDataConfig)
  DataSource.S3DataSource.S3Uri = 's3://bucket/no/';

const FAILURES: readonly (readonly [name: string, program: string, expected: RegExp, step?: object])[] = [
  [
    'its own reason, without where in the code that was',
    `write('/opt/ml/output/failure', 'No photos.\\n\\n    at read (job.ts:1:1)'); process.exit(1);`,
    /^No photos\. The job's log is [^\n]*$/,
  ],
  ['its last words', `console.error('Out of paper.'); process.exit(3);`, /^Exit code 3: Out of paper\./],
  ['that it left no model', '', /ended before its time: it has left no model/],
  ['the signal that ended it', `process.kill(process.pid, 'SIGKILL');`, /was ended by SIGKILL/],
  [
    'S3 addresses in place of its folders',
    `write('/opt/ml/output/failure', at('/opt/ml/input/data/train/rose/1.jpg') + ' cannot be read.');
    process.exit(1);`,
    /^s3:\/\/bucket\/photos\/rose\/1\.jpg cannot be read\./,
  ],
  ['a channel without photos', WRITE_MODEL, /The channel train is empty\. .*s3:\/\/bucket\/no\//, without],
  ['that it takes too long', 'setInterval(() => {}, 1000);', /was stopped after 1 s, its MaxRuntime/, slow],
];
for (const [name, program, expected, step = training('Train')] of FAILURES)
  test(`a training job that fails reports ${name}`, async () => {
    const { first } = await run([step], program);
    assert.equal(first.status, 'Failed');
    assert.match(first.note, expected);
  });

const REPORT = '/opt/ml/processing/output/report/report.json';

test('a processing job writes what later steps read', async () => {
  const check = condition(
    'Check',
    [reported('Evaluate', 'accuracy.value'), 0.9],
    [job('Deploy')],
    [fail('Bad', 'bad')],
  );
  const { first, statuses } = await run(
    [job('Evaluate'), check],
    `mkdirSync(at('/opt/ml/output'), { recursive: true });
    write('/opt/ml/output/message', 'Fine.');
    write('${REPORT}', '{"accuracy":{"value":0.95}}');`,
  );
  assert.deepEqual([statuses['Deploy'], statuses['Bad']], ['Succeeded', 'NotRun']);
  assert.equal(first.note, 'Fine.');
  assert.ok(existsSync(s3.path('s3://bucket/reports/Evaluate/report.json')));
});

test('a job that is not isolated from the network reaches the local SageMaker, another does not', async () => {
  const open = job('Open');
  open.Arguments.NetworkConfig.EnableNetworkIsolation = false;
  const { outputs } = await run(
    [job('Closed'), open],
    `const { AWS_ENDPOINT_URL_SAGEMAKER = 'none' } = process.env;
    write('${REPORT}', JSON.stringify(AWS_ENDPOINT_URL_SAGEMAKER));`,
  );
  assert.deepEqual(outputs['Closed']?.['PropertyFiles'], { Report: 'none' });
  assert.deepEqual(outputs['Open']?.['PropertyFiles'], { Report: 'http://local' });
});

test('a processing job fails where it does not write the JSON that it should', async () => {
  for (const program of ['', `write('${REPORT}', 'accuracy: 1');`]) {
    const { first } = await run([job('Evaluate')], program);
    assert.equal(first.status, 'Failed');
    assert.match(first.note, /The step Evaluate was to write JSON to .*report\.json/);
  }
});
