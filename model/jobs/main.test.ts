import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  EVALUATION_INPUTS,
  EVALUATION_OUTPUT,
  METRIC_DEFINITIONS,
  TRAINING_PATHS,
} from '../contract/sagemaker-jobs.ts';
import { seededRandom } from '../shared/random.ts';
import { MESSAGE_FILE } from './deploy-endpoint/exit-message.ts';
import { NETWORK_FILE } from './network-file.ts';
import { OptMl } from './opt-ml.ts';
import { packModel, runJob, startJob, withOptMl, writeInputs, writePhotos } from './testing.ts';

const PHOTOS = { astilbe: 5, bellflower: 4 };
const EPOCHS = 7;
const INPUTS = { train: PHOTOS, hyperparameters: { epochs: String(EPOCHS), 'batch-size': '2' } };
const EPOCH_LINE = /training_loss=/g;

/** A training that nobody disturbs. */
let undisturbed: OptMl;
let log = '';
before(async () => {
  undisturbed = new OptMl(await mkdtemp(path.join(tmpdir(), 'undisturbed-')));
  await writeInputs(undisturbed, INPUTS);
  const { code, stdout, stderr } = await runJob(undisturbed, ['train']);
  assert.equal(code, 0, stderr);
  log = stdout;
});
after(() => rm(undisturbed.root, { recursive: true }));

/** The trained weights, to the bit. */
const networkOf = (optMl: OptMl) => readFile(optMl.at(TRAINING_PATHS.model, NETWORK_FILE), 'hex');

const failureOf = (optMl: OptMl) => readFile(optMl.at(TRAINING_PATHS.failure), 'utf8');

test("SageMaker's patterns find the metrics of every epoch in the log", () => {
  for (const { Name, Regex } of METRIC_DEFINITIONS)
    assert.equal([...log.matchAll(new RegExp(Regex, 'g'))].length, EPOCHS, Name);
});

test('killed and stopped at random moments, a training goes on each time, to the very same weights', () =>
  withOptMl(async (optMl) => {
    await writeInputs(optMl, INPUTS);
    const random = seededRandom(Date.now());
    const moments: string[] = [];
    /** Sends a signal a while after an epoch's end, and waits for the job's. */
    const interrupt = async (signal: NodeJS.Signals) => {
      const job = startJob(optMl, ['train']);
      const milliseconds = Math.floor(random() * 60);
      moments.push(`${signal} after ${milliseconds} ms`);
      await job.printed(EPOCH_LINE, 1);
      await delay(milliseconds);
      job.kill(signal);
      return job.ended;
    };
    await interrupt('SIGKILL');
    await interrupt('SIGKILL');

    const stopped = await interrupt('SIGTERM');
    assert.equal(stopped.code, 0, moments.join());
    assert.match(stopped.stdout, /Received SIGTERM\.\nStopped in epoch \d\./);
    assert.equal((await readdir(optMl.at(TRAINING_PATHS.checkpoints))).length, 2);
    for (const nothing of [TRAINING_PATHS.model, TRAINING_PATHS.failure])
      await assert.rejects(readFile(optMl.at(nothing)), { code: 'ENOENT' }, nothing);

    const { code, stdout, stderr } = await runJob(optMl, ['train']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Going on from a checkpoint, after [1-9] epochs?/, 'work was kept');
    assert.doesNotMatch(stdout, /damaged/, 'killing leaves no torn checkpoint');
    assert.equal(await networkOf(optMl), await networkOf(undisturbed), moments.join());
  }));

test('a job that fails says why in the failure file and in its log, and exits with 1', () =>
  withOptMl(async (optMl) => {
    await writeInputs(optMl, { ...INPUTS, hyperparameters: { epoch: '3' } });
    const { code, stderr } = await runJob(optMl, ['train']);
    assert.equal(code, 1);
    const [line = ''] = (await failureOf(optMl)).split('\n');
    assert.match(line, /^Hyperparameters are wrong: "epoch" is unknown; known are epochs, /);
    assert.ok(line.length < 1024);
    assert.ok(stderr.includes(line));
  }));

test('the evaluation writes its report, and its result as the exit message', () =>
  withOptMl(async (optMl) => {
    await packModel(undisturbed.at(TRAINING_PATHS.model), optMl.at(EVALUATION_INPUTS.model));
    await writePhotos(optMl.at(EVALUATION_INPUTS.train), PHOTOS);
    const { code, stderr } = await runJob(optMl, ['evaluate']);
    assert.equal(code, 0, stderr);
    assert.deepEqual(await readdir(optMl.at(EVALUATION_OUTPUT.path)), [EVALUATION_OUTPUT.file]);
    assert.match(
      await readFile(optMl.at(MESSAGE_FILE), 'utf8'),
      /^Model \d+ names \d of 2 test photos rightly/,
    );
  }));

test('an evaluation that fails says why in the exit message, and exits with 1', () =>
  withOptMl(async (optMl) => {
    assert.equal((await runJob(optMl, ['evaluate'])).code, 1);
    assert.match(await readFile(optMl.at(MESSAGE_FILE), 'utf8'), /^There is no model\.tar\.gz in /);
  }));

for (const [name, command] of Object.entries({ none: [], another: ['serve'] })) {
  test(`with ${name} for a command it says which there are, and exits with 1`, () =>
    withOptMl(async (optMl) => {
      const { code, stderr } = await runJob(optMl, command);
      assert.equal(code, 1);
      for (const known of ['train', 'evaluate', 'deploy'])
        assert.match(stderr, new RegExp(`^  ${known} `, 'm'));
    }));
}
