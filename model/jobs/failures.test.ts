import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { TRAINING_PATHS } from '../contract/sagemaker-jobs.ts';
import { ContainerPaths, MESSAGE_FILE, writeExitMessage } from './container.ts';
import { startJob, withContainer, writeInputs } from './test-jobs.ts';

test('a job that fails says why in the failure file and in its log, and exits with 1', () =>
  withContainer(async (container) => {
    await writeInputs(container, { train: {}, hyperparameters: { epoch: '3' } });
    const { code, stderr } = await startJob(container, ['train']).ended;
    assert.equal(code, 1);
    const [line = ''] = (await readFile(container.at(TRAINING_PATHS.failure), 'utf8')).split('\n');
    assert.match(line, /^Invalid hyperparameters: "epoch" is unknown; known are epochs, /);
    assert.ok(line.length < 1024);
    assert.ok(stderr.includes(line));
  }));

test("the message is cut to SageMaker's limit, but never inside a character", (t) => {
  const container = new ContainerPaths(temporaryFolder(t));
  const write = (text: string) => {
    writeExitMessage(container, text, assert.fail);
    return readFileSync(container.at(MESSAGE_FILE));
  };
  for (const offset of [0, 1, 2, 3]) {
    const text = `${'x'.repeat(offset)}${'꽃'.repeat(500)}`;
    const written = write(text);
    assert.ok(written.length > 1021 && written.length <= 1024, String(written.length));
    assert.ok(text.startsWith(written.toString('utf8')), `offset ${offset}`);
  }
  assert.equal(write('short').toString(), 'short');
});
