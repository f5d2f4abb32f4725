import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { noise } from '../shared/test-pictures.ts';
import { contactSheet } from './contact-sheet.ts';
import { modelCard } from './model-card.ts';
import { exampleCalibration, exampleMetrics } from './test-metrics.ts';

const labels = ['daisy', 'rose', 'tulip'];
const card = (changes = {}) => modelCard(exampleMetrics({ labels, ...changes }));

test('the card leads with version, classes and accuracy with its interval', () => {
  const text = card();
  assert.match(text, /^# Model 20260102030405\n/);
  assert.match(text, /Distinguishes 3 classes: `daisy`, `rose`, `tulip`\./);
  assert.match(text, /\*\*Accuracy 90\.5 %\*\* \(95 % interval 80\.7 % to 95\.6 %\): 57 of 63 test photos/);
});

test('the card lists photos and recall of each class', () => {
  const rows = card()
    .split('\n')
    .filter((line) => line.startsWith('|'));
  assert.deepEqual(rows, [
    '| class | training | validation | test | recall on test |',
    '| --- | --- | --- | --- | --- |',
    '| `daisy` | 80 | 10 | 11 | 81.8 % |',
    '| `rose` | 160 | 20 | 21 | 90.5 % |',
    '| `tulip` | 240 | 30 | 31 | 93.5 % |',
  ]);
});

test('the card says how the model was made, how large it is and on what data', () => {
  const text = card();
  assert.match(text, /```sh\nnpm run train -- --data flowers\n```/);
  assert.match(text, /1,234,567 parameters.* 3 epochs in 10 minutes on WebAssembly \(12 photos a second\)/);
  assert.match(text, /half precision: 2\.47 MB/);
  assert.match(text, /603 photos; 1 file left out/);
  assert.match(text, /seed 7/);
});

test('the card of a single epoch speaks of one', () => {
  assert.match(card({ training: { ...exampleMetrics().training, epochs: 1 } }), / 1 epoch in 10 minutes/);
});

test('the card says what of a pretrained network was trained', () => {
  const training = { ...exampleMetrics().training, backbone: 'MobileNet', parameters: 2000 };
  assert.match(card({ training: { ...training, trainedParameters: 500 } }), /A small head on MobileNet/);
  const fineTuned = { ...training, trainedParameters: 1900, fineTuned: 10 };
  assert.match(card({ training: fineTuned }), /The last 10 blocks of MobileNet.* 1,900 of 2,000 parameters/);
});

test('the card shows the pictures beside it and says what the model cannot do', () => {
  const text = card();
  assert.match(text, /!\[[^\]]+\]\(confusion-matrix\.svg\)/);
  assert.match(text, /!\[[^\]]+\]\(training-curves\.svg\)/);
  assert.match(text, /## What it cannot do\n\n- /);
});

test('a class without test photos has no recall', () => {
  const tested = {
    ...exampleMetrics().test,
    confusion: [
      [0, 0, 0],
      [2, 19, 0],
      [0, 2, 29],
    ],
  };
  assert.match(card({ test: tested }), /\| `daisy` \|.*\| – \|/);
  assert.doesNotMatch(card({ test: tested }), /NaN/);
});

test('a label with a bar does not add a column to the table', () => {
  const text = card({ labels: ['a|b', 'rose', 'tulip'] });
  const row = text.split('\n').find((line) => line.startsWith('| `a'));
  assert.equal(row?.split(/(?<!\\)\|/).length, 7);
});

test('the card of a calibrated model says what it refuses', () => {
  const text = card({ calibration: exampleCalibration() });
  assert.match(text, /error \(15 bins of equally many photos\) went from 15\.0 % to 2\.0 %/);
  assert.match(text, /62 of 63 \(98\.4 %\) are kept; 95 % interval 91\.5 % to 99\.7 %/);
  const rows = text.split('\n').filter((line) => /^\| (noise|a)/.test(line));
  assert.deepEqual(rows, [
    '| noise | drawn by code | 99 of 100 (99.0 %) | 0.999 |',
    '| a\\|b | photos | 10 of 40 (25.0 %) | 0.800 |',
  ]);
  assert.match(text, /!\[[^\]]+\]\(reliability\.svg\)/);
  assert.match(text, /!\[[^\]]+\]\(roc\.svg\)/);
  assert.doesNotMatch(text, /for \*\*any\*\* photo|is not calibrated/);
});

test('the card of a model that is not calibrated says so', () => {
  assert.match(card(), /This model is not calibrated/);
});

const mistakes = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    file: 'a.jpg',
    truth: 'rose',
    answer: '<tulip>',
    confidence: index / count,
    pixels: noise(index),
  }));

const sizeOf = async (count: number) => {
  const { format, width, height } = await sharp(await contactSheet(mistakes(count))).metadata();
  assert.equal(format, 'jpeg');
  return [width, height];
};

test('a contact sheet is as wide as its photos, up to four in a row and twelve in all', async () => {
  assert.deepEqual(await sizeOf(1), [248, 312]);
  assert.deepEqual(await sizeOf(2), [484, 312]);
  assert.deepEqual(await sizeOf(12), [956, 848]);
  assert.deepEqual(await sizeOf(200), [956, 848]);
});

test('of no mistakes it is a small picture that says so', async () => {
  assert.deepEqual(await sizeOf(0), [360, 90]);
});
