import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { saveTinyGraph } from '../../model/backbone/test-backbones.ts';
import { CHANNELS, COMMANDS, TRAINING_PATHS } from '../../model/contract/sagemaker-jobs.ts';
import { type ModelMetrics, metricsSchema } from '../../model/evaluation/metrics.ts';
import { NETWORK_FILE } from '../../model/jobs/archive.ts';
import type { ContainerPaths } from '../../model/jobs/container.ts';
import { beginningWith, type Moment } from '../../model/jobs/test-interruption.ts';
import { startJob, withContainer, writeInputs } from '../../model/jobs/test-jobs.ts';

/** Moments to be killed at, and the epochs that the next start finds done. */
type Kills = Readonly<Record<string, readonly [at: Moment, kept: number]>>;

const EPOCHS = 4;

const prepareNetwork = (container: ContainerPaths) =>
  writeInputs(container, {
    train: { astilbe: 5, bellflower: 4 },
    hyperparameters: { epochs: `${EPOCHS}`, 'batch-size': '2' },
  });

const prepareHead = async (container: ContainerPaths) => {
  await writeInputs(container, {
    train: { astilbe: 11, bellflower: 11 },
    hyperparameters: { epochs: `${EPOCHS}`, 'batch-size': '6' },
  });
  saveTinyGraph(container.at(TRAINING_PATHS.channels, CHANNELS.pretrained));
};

const AT_THE_END: Kills = {
  'while a checkpoint is written': [{ writing: '.checkpoint', times: 2 }, 2],
  'while the model is written': [{ writing: NETWORK_FILE, times: 1 }, EPOCHS],
};

const CASES: readonly [name: string, prepare: typeof prepareNetwork, kills: Kills][] = [
  [
    'a network from scratch',
    prepareNetwork,
    {
      // An epoch has three steps and a batch of validation photos.
      'in the middle of an epoch': [{ turns: 3 + 1 + 2 }, 1],
      ...AT_THE_END,
    },
  ],
  [
    'a head on a backbone',
    prepareHead,
    {
      'while the second batch of features is written': [{ writing: '/features/', times: 2 }, 0],
      // Before that there are two batches of features; an epoch has three steps and one look at the validation photos.
      'in the middle of an epoch': [{ turns: 2 + 3 + 1 + 2 }, 1],
      ...AT_THE_END,
    },
  ],
];

/** Starts the job, which is killed at the moment if one is given. */
const start = (container: ContainerPaths, moment?: Moment) =>
  startJob(container, [COMMANDS.train], beginningWith(moment));

/** The epochs that a job found done. */
const resumedFrom = (log: string): number =>
  Number(/Resuming from a checkpoint, after (\d+) epochs? and 0 steps/.exec(log)?.[1] ?? 0);

/** What differs between two runs of the same training. */
const comparable = ({ version, training, ...metrics }: ModelMetrics) => {
  const { command, seconds, photosPerSecond, ...same } = training;
  return { ...metrics, training: same };
};

const resultOf = async (container: ContainerPaths) => {
  const metrics = await readFile(container.at(TRAINING_PATHS.output, 'metrics.json'), 'utf8');
  return {
    network: await readFile(container.at(TRAINING_PATHS.model, NETWORK_FILE), 'hex'),
    metrics: comparable(metricsSchema.parse(JSON.parse(metrics))),
    files: await readdir(container.at(TRAINING_PATHS.model)),
  };
};

/** Starts the job, which is to end by itself. */
const finish = async (container: ContainerPaths): Promise<string> => {
  const { code, stdout, stderr } = await start(container).ended;
  assert.equal(code, 0, stderr);
  assert.match(stdout, /, on WebAssembly/);
  assert.doesNotMatch(stdout, /damaged/, 'no checkpoint is torn');
  return stdout;
};

const killedAgainAndAgain = async (container: ContainerPaths, kills: Kills): Promise<void> => {
  let kept = 0;
  for (const [name, [at, next]] of Object.entries(kills)) {
    const { code, stdout, stderr } = await start(container, at).ended;
    assert.equal(code, null, `killed ${name}: ${stderr}`);
    assert.equal(resumedFrom(stdout), kept, `before it was killed ${name}`);
    kept = next;
  }
  assert.equal(resumedFrom(await finish(container)), kept);
};

/** Stops the job a while after an epoch's end. */
const stopped = async (container: ContainerPaths): Promise<void> => {
  const job = start(container);
  await job.printed(/training_loss=/g, 1);
  await delay(Math.random() * 60);
  job.kill('SIGTERM');
  const { code, stdout } = await job.ended;
  assert.equal(code, 0);
  assert.match(stdout, /Received SIGTERM\.\nStopped in epoch \d\./);
  for (const nothing of [TRAINING_PATHS.model, TRAINING_PATHS.failure])
    await assert.rejects(readFile(container.at(nothing)), { code: 'ENOENT' }, nothing);
  assert.match(await finish(container), /Resuming from a checkpoint, after [1-9] epochs?/, 'work was kept');
};

describe('a training that is interrupted and restarted repeatedly ends as if it had not been', {
  concurrency: true,
}, () => {
  for (const [name, prepare, kills] of CASES)
    test(name, () =>
      withContainer((calm) =>
        withContainer((killed) =>
          withContainer(async (told) => {
            const all = [calm, killed, told];
            await Promise.all(all.map(prepare));
            await Promise.all([finish(calm), killedAgainAndAgain(killed, kills), stopped(told)]);
            const [expected, ...results] = await Promise.all(all.map(resultOf));
            for (const result of results) assert.deepEqual(result, expected);
          }),
        ),
      ),
    );
});
