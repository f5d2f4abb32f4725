import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { MODEL_NAME } from '../../model/contract/tensors.ts';
import { metricsSchema } from '../../model/evaluation/metrics.ts';
import { ROOT } from '../../scripts/shared/paths.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const work = temporaryFolder({ after });
const photos = path.join(work, 'photos');
const out = path.join(work, 'out');

/** Twelve photos of each of two colours; no two are equal. */
const drawPhotos = async (name: string, hue: number): Promise<void> => {
  mkdirSync(path.join(photos, name), { recursive: true });
  for (let index = 0; index < 12; index++) {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64" fill="#456"/>
      <circle cx="${20 + index}" cy="32" r="18" fill="hsl(${hue + index} 80% 50%)"/></svg>`;
    const file = path.join(photos, name, `${index}.png`);
    writeFileSync(file, await sharp(Buffer.from(svg)).png().toBuffer());
  }
};

test('a folder of photos becomes a model, its card and its archive', async () => {
  await drawPhotos('violet', 260);
  await drawPhotos('yellow', 40);
  writeFileSync(path.join(photos, 'yellow', 'broken.jpg'), 'not a photo');
  const given = ['--data', photos, '--epochs', '1', '--out', out, '--version', '5'];
  const command = ['--import', 'tsx', 'scripts/train.ts', ...given];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: ROOT, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /Computing on (WebAssembly|native TensorFlow) \(/);
  assert.match(stdout, /left out yellow\/broken\.jpg: /);
  assert.match(stdout, /Epoch 1 of 1: loss \d/);

  const metrics = metricsSchema.parse(JSON.parse(readFileSync(path.join(out, 'metrics.json'), 'utf8')));
  assert.deepEqual(metrics.labels, ['violet', 'yellow']);
  assert.deepEqual(metrics.data.test, [1, 1]);
  assert.deepEqual(metrics.data.train, [10, 10]);
  assert.equal(metrics.data.skipped.length, 1);
  const model = `${MODEL_NAME}/5/saved_model.pb`;
  const files = ['MODEL_CARD.md', 'confusion-matrix.svg', 'training-curves.svg', 'model.tar.gz', model];
  for (const file of files) assert.ok(existsSync(path.join(out, file)), file);
});
