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
import { runJob, startJob, withContainer, writeInputs } from '../../model/jobs/test-jobs.ts';
import { seededRandom } from '../../model/shared/random.ts';

/** A moment to be killed at, and the epochs that the next start finds done. */
interface Kill {
  readonly at: Moment;
  readonly kept: number;
}

interface Case {
  readonly prepare: (container: ContainerPaths) => Promise<void>;
  readonly kills: Readonly<Record<string, Kill>>;
}

const EPOCHS = 4;

const CASES: Readonly<Record<string, Case>> = {
  'a network from scratch': {
    prepare: (container) =>
      writeInputs(container, {
        train: { astilbe: 5, bellflower: 4 },
        hyperparameters: { epochs: `${EPOCHS}`, 'batch-size': '2' },
      }),
    kills: {
      'after reading the photos': { at: { printed: 'Training on', times: 1 }, kept: 0 },
      // An epoch has three steps and a batch of validation photos.
      'in the middle of an epoch': { at: { turns: 3 + 1 + 2 }, kept: 1 },
      'right after the line of an epoch, which is not kept yet': {
        at: { printed: 'training_loss=', times: 1 },
        kept: 1,
      },
      'while a checkpoint is written': { at: { writing: '.checkpoint', times: 2 }, kept: 2 },
      'while the model is written': { at: { writing: NETWORK_FILE, times: 1 }, kept: EPOCHS },
    },
  },
  'a head on a backbone': {
    prepare: async (container) => {
      await writeInputs(container, {
        train: { astilbe: 11, bellflower: 11 },
        hyperparameters: { epochs: `${EPOCHS}`, 'batch-size': '6' },
      });
      saveTinyGraph(container.at(TRAINING_PATHS.channels, CHANNELS.pretrained));
    },
    kills: {
      'while the second batch of features is written': { at: { writing: '/features/', times: 2 }, kept: 0 },
      // Before that there are two batches of features; an epoch has three steps and one look at the validation photos.
      'in the middle of an epoch': { at: { turns: 2 + 3 + 1 + 2 }, kept: 1 },
      'while a checkpoint is written': { at: { writing: '.checkpoint', times: 2 }, kept: 2 },
      'while the model is written': { at: { writing: NETWORK_FILE, times: 1 }, kept: EPOCHS },
    },
  },
};

/** Starts the job, which is killed at the moment if one is given. */
const start = (container: ContainerPaths, moment?: Moment) =>
  runJob(container, [COMMANDS.train], beginningWith(moment));

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

const undisturbed = async (container: ContainerPaths): Promise<void> => {
  const { code, stdout, stderr } = await start(container);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /, on WebAssembly/);
};

const killedAgainAndAgain = async (container: ContainerPaths, kills: Case['kills']): Promise<void> => {
  let kept = 0;
  for (const [name, { at, kept: next }] of Object.entries(kills)) {
    const { code, stdout, stderr } = await start(container, at);
    assert.equal(code, null, `killed ${name}: ${stderr}`);
    assert.equal(resumedFrom(stdout), kept, `before it was killed ${name}`);
    kept = next;
  }
  const { code, stdout, stderr } = await start(container);
  assert.equal(code, 0, stderr);
  assert.equal(resumedFrom(stdout), kept);
  assert.doesNotMatch(stdout, /damaged/, 'no checkpoint is torn');
};

describe('killed and started again until it ends, a training ends as if nothing had been', {
  concurrency: true,
}, () => {
  for (const [name, { prepare, kills }] of Object.entries(CASES))
    test(name, () =>
      withContainer((calm) =>
        withContainer(async (shaken) => {
          await Promise.all([calm, shaken].map(prepare));
          await Promise.all([undisturbed(calm), killedAgainAndAgain(shaken, kills)]);
          assert.deepEqual(await resultOf(shaken), await resultOf(calm));
        }),
      ),
    );
});

test('killed and stopped at random moments, a training is resumed each time, to the very same weights', () =>
  withContainer((calm) =>
    withContainer(async (container) => {
      const inputs = {
        train: { astilbe: 5, bellflower: 4 },
        hyperparameters: { epochs: '7', 'batch-size': '2' },
      };
      await Promise.all([calm, container].map((each) => writeInputs(each, inputs)));
      await undisturbed(calm);
      const random = seededRandom(Date.now());
      const moments: string[] = [];
      /** Sends a signal a while after an epoch's end, and waits for the job's. */
      const interrupt = async (signal: NodeJS.Signals) => {
        const job = startJob(container, [COMMANDS.train]);
        const milliseconds = Math.floor(random() * 60);
        moments.push(`${signal} after ${milliseconds} ms`);
        await job.printed(/training_loss=/g, 1);
        await delay(milliseconds);
        job.kill(signal);
        return job.ended;
      };
      await interrupt('SIGKILL');
      await interrupt('SIGKILL');

      const stopped = await interrupt('SIGTERM');
      assert.equal(stopped.code, 0, moments.join());
      assert.match(stopped.stdout, /Received SIGTERM\.\nStopped in epoch \d\./);
      assert.equal((await readdir(container.at(TRAINING_PATHS.checkpoints))).length, 2);
      for (const nothing of [TRAINING_PATHS.model, TRAINING_PATHS.failure])
        await assert.rejects(readFile(container.at(nothing)), { code: 'ENOENT' }, nothing);

      const { code, stdout, stderr } = await runJob(container, [COMMANDS.train]);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /Resuming from a checkpoint, after [1-9] epochs?/, 'work was kept');
      assert.doesNotMatch(stdout, /damaged/, 'killing leaves no torn checkpoint');
      assert.equal((await resultOf(container)).network, (await resultOf(calm)).network, moments.join());
    }),
  ));
