import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { Backbone } from '../model/backbone/backbone.ts';
import { computeFeatures } from '../model/backbone/features.ts';
import { saveTinyGraph } from '../model/backbone/test-backbones.ts';
import { loadBackend } from '../model/backend/backend.ts';
import { readBackground } from '../model/calibration/background.ts';
import { fitBackground } from '../model/calibration/known-score.ts';
import { PHOTO_SIDE } from '../model/contract/tensors.ts';
import { readDataset } from '../model/data/dataset.ts';
import { writePhotos } from '../model/jobs/test-jobs.ts';
import { assertClose } from '../model/shared/test-pictures.ts';
import { temporaryFolder } from '../tests/temporary-folder.ts';
import { writeBackgrounds } from './background.ts';

test('a background is written next to its backbone, for this use of it only', async (t) => {
  const [directory, unknown] = [saveTinyGraph(path.join(temporaryFolder(t), 'net')), temporaryFolder(t)];
  const lines: string[] = [];
  const run = async (count: number) => {
    await writePhotos(unknown, { astilbe: count, daisy: count });
    return writeBackgrounds({ backbone: directory, unknown }, (line) => void lines.push(line));
  };
  await assert.rejects(run(9), /has 18 photos in its folders: add some, at least 20\./);
  await run(12);
  assert.match(lines.at(-1) ?? '', /Wrote .*net.background-[0-9a-f]{32}\.f16 from 24 photos\./);
  await loadBackend({ native: false });
  const backbone = await Backbone.load(directory);
  const found = await readBackground(directory, backbone);
  const { examples } = await readDataset(unknown);
  const expected = fitBackground(await computeFeatures(backbone, examples));
  assertClose(found?.mean ?? [], expected.mean, 2e-3);
  assertClose(found?.lower ?? [], expected.lower, 2e-3);
  assert.ok(await readBackground(directory, await Backbone.load(directory, { side: PHOTO_SIDE })));
  const range = { low: -1, high: 1 };
  assert.equal(await readBackground(directory, await Backbone.load(directory, { range })), undefined);
  for (const name of (await readdir(directory)).filter((each) => each.endsWith('.f16')))
    await writeFile(path.join(directory, name), (await readFile(path.join(directory, name))).subarray(2));
  await assert.rejects(readBackground(directory, backbone), /\.f16 is damaged/);
});
