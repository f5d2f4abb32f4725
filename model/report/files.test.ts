import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { noise } from '../shared/test-pictures.ts';
import { contactSheet } from './contact-sheet.ts';
import { modelCard } from './model-card.ts';
import { exampleCalibration, exampleMetrics } from './test-metrics.ts';

const labels = ['daisy', 'rose', 'a|b'];
const { training } = exampleMetrics();
const pretrained = { ...training, backbone: 'MobileNet', parameters: 2000 };

/** What the card says of a model. */
const CARDS: Readonly<Record<string, readonly [Parameters<typeof exampleMetrics>[0], readonly RegExp[]]>> = {
  'by default': [
    {},
    [
      /^# Model 20260102030405\n/,
      /Distinguishes 3 classes: `daisy`, `rose`, `a\|b`\./,
      /\*\*Accuracy 90\.5 %\*\* \(95 % interval 80\.7 % to 95\.6 %\): 57 of 63 test photos/,
      /\| class \| training \| validation \| test \| recall on test \|\n\| --- /,
      /\| `daisy` \| 80 \| 10 \| 11 \| 81\.8 % \|\n\| `rose` \| 160 \| 20 \| 21 \| 90\.5 % \|\n\| `a\\\|b` \| 240 /,
      /```sh\nnpm run train -- --data flowers\n```/,
      /1,234,567 parameters.* 3 epochs in 10 minutes on WebAssembly \(12 photos a second\)/,
      /half precision: 2\.47 MB/,
      /603 photos; 1 file left out.* seed 7/,
      /!\[[^\]]+\]\(confusion-matrix\.svg\)\n\n!\[[^\]]+\]\(training-curves\.svg\)/,
      /This model is not calibrated/,
      /## What it cannot do\n\n- .*for \*\*any\*\* photo/,
    ],
  ],
  'with a head': [{ training: { ...pretrained, trainedParameters: 500 } }, [/A small head on MobileNet/]],
  'with fine-tuned blocks': [
    { training: { ...pretrained, trainedParameters: 1900, fineTuned: 10 } },
    [/The last 10 blocks of MobileNet.* 1,900 of 2,000 parameters/],
  ],
  'that is calibrated': [
    { calibration: exampleCalibration() },
    [
      /error \(15 bins of equally many photos\) went from 15\.0 % to 2\.0 %/,
      /62 of 63 \(98\.4 %\) are kept; 95 % interval 91\.5 % to 99\.7 %/,
      /\| noise \| drawn by code \| 99 of 100 \(99\.0 %\) \| 0\.999 \|\n\| a\\\|b \| photos \| 10 of 40 /,
      /!\[[^\]]+\]\(reliability\.svg\)[\s\S]*!\[[^\]]+\]\(roc\.svg\)/,
      /^(?![\s\S]*(for \*\*any\*\* photo|is not calibrated))/,
    ],
  ],
};
for (const [what, [changes, says]] of Object.entries(CARDS))
  test(`the card of a model ${what}`, () => {
    for (const words of says) assert.match(modelCard(exampleMetrics({ labels, ...changes })), words);
  });

test('a contact sheet is as wide as its photos, up to four in a row and twelve in all', async () => {
  for (const [count, size] of [
    [0, [248, 44]],
    [2, [484, 312]],
    [13, [956, 848]],
  ] as const) {
    const mistakes = Array.from({ length: count }, (_, index) => ({
      ...{ file: 'a.jpg', truth: 'rose', answer: '<tulip>', confidence: index / count },
      pixels: noise(index),
    }));
    const { format, width, height } = await sharp(await contactSheet(mistakes)).metadata();
    assert.deepEqual([format, width, height], ['jpeg', ...size]);
  }
});
