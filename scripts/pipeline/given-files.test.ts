import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { checkGivenFile } from './given-files.ts';

let root: string;
before(() => {
  root = mkdtempSync(path.join(tmpdir(), 'bloomstack-given-'));
  for (const file of ['photos/rose/1.jpg', 'flat/1.jpg', 'network/model.json', 'archive/model.tar.gz']) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), 'content');
  }
});
after(() => rmSync(root, { recursive: true }));

const check = (parameter: string, place: string) => checkGivenFile(parameter, path.join(root, place));

test('what a parameter takes is taken', async () => {
  for (const [parameter, place] of [
    ['TrainData', 'photos'],
    ['TestData', 'photos'],
    ['Pretrained', 'network'],
    ['InitialModel', 'archive/model.tar.gz'],
    ['InitialModel', 'archive'],
    ['Other', 'flat'],
  ] as const)
    await check(parameter, place);
});

test('anything else is refused before the training, which would go on without it', async () => {
  for (const [parameter, place, expected] of [
    [
      'TrainData',
      'nowhere',
      /nothing at .*nowhere, to which --data or FLOWERS_DIR points\. Give a folder with one folder of photos/,
    ],
    [
      'TrainData',
      'flat',
      /flat is not what --data or FLOWERS_DIR takes\. Give a folder with one folder of photos/,
    ],
    ['TrainData', 'flat/1.jpg', /one folder of photos per class/],
    ['TestData', 'flat', /one folder of photos per class/],
    ['Pretrained', 'photos', /Give a folder with the model\.json of a TensorFlow\.js model/],
    ['Pretrained', 'network/model.json', /Give a folder with the model\.json/],
    ['InitialModel', 'photos', /Give a model\.tar\.gz of an earlier training/],
  ] as const)
    await assert.rejects(check(parameter, place), expected, `${parameter} ${place}`);
});
