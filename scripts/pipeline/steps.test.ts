import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { ModelRegistry } from '../aws-double/registry.ts';
import { LocalS3 } from './local-s3.ts';
import { localRunner } from './steps.ts';
import { execute, job, training } from './tiny-definition.ts';

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
  import { mkdirSync, writeFileSync } from 'node:fs';
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
  const { execution } = await execute(steps, runner);
  const [{ name = '', status = '', note = '', warnings = [] } = {}] = execution.states;
  return { outputs: execution.outputs, first: { name, status, note, warnings } };
};

const WRITE_MODEL = `
  mkdirSync(at('/opt/ml/model/flowers/1'), { recursive: true });
  write('/opt/ml/model/flowers/1/saved_model.pb', 'model');
`;

test('a training job reports its metrics and warnings, and its model is packed', async () => {
  const { first, outputs } = await run(
    [training('Train')],
    `${WRITE_MODEL}
    console.log('loss=0.5;');
    for (let time = 0; time < 2; time++) console.log('Warning: Few photos.');
    console.log('Epoch 2: loss=0.25;');`,
  );
  const note = 'Epoch 2: training:loss 0.250';
  assert.deepEqual(first, { name: 'Train', status: 'Succeeded', note, warnings: ['Few photos.'] });
  const { ModelArtifacts, FinalMetricDataList } = outputs['Train'] ?? {};
  const [name = ''] = readdirSync(path.join(folder, 'jobs'));
  const uri = `s3://bucket/models/${name}/output/model.tar.gz`;
  assert.deepEqual(ModelArtifacts, { S3ModelArtifacts: uri });
  assert.deepEqual(FinalMetricDataList, [{ MetricName: 'training:loss', Value: 0.25 }]);
  assert.ok(existsSync(s3.path(uri)));
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
  ['that it left no model', '', /ended early, without a model/],
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

test('a processing job fails if it does not write the expected JSON', async () => {
  for (const program of ['', `write('${REPORT}', 'accuracy: 1');`]) {
    const { first } = await run([job('Evaluate')], program);
    assert.equal(first.status, 'Failed');
    assert.match(first.note, /The step Evaluate should have written JSON to .*report\.json/);
  }
});
