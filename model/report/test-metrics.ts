import type { ModelMetrics } from '../evaluation/metrics.ts';

/** Two bins with an accuracy of 60 % and 90 %. */
const binsOf = (first: number, second: number) => [
  { confidence: first, accuracy: 0.6, count: 31 },
  { confidence: second, accuracy: 0.9, count: 32 },
];

/** The figures of a fictitious calibration. */
export const exampleCalibration = (): NonNullable<ModelMetrics['calibration']> => ({
  temperature: 0.5,
  before: { loss: 0.41, error: 0.15, bins: binsOf(0.4, 0.8) },
  after: { loss: 0.3, error: 0.02, bins: binsOf(0.58, 0.92) },
  validation: { kept: 59, count: 60 },
  test: { kept: 62, count: 63, interval: [0.915, 0.997] },
  unknown: [
    { kind: 'noise', source: 'drawn', count: 100, refused: 99, area: 0.999 },
    { kind: 'a|b', source: 'photos', count: 40, refused: 10, area: 0.8 },
  ],
});

/** The metrics of a fictitious model, whose labels try to break out of the markup. */
export const exampleMetrics = (changes: Partial<ModelMetrics> = {}): ModelMetrics => ({
  version: '20260102030405',
  labels: ['daisy', '<b>&', 'a"b'],
  data: {
    train: [80, 160, 240],
    validation: [10, 20, 30],
    test: [11, 21, 31],
    skipped: [{ file: 'daisy/x.jpg', reason: 'a copy of daisy/y.jpg' }],
    seed: 7,
  },
  test: {
    accuracy: 57 / 63,
    interval: [0.807, 0.956],
    correct: 57,
    count: 63,
    loss: 0.41,
    confusion: [
      [9, 1, 1],
      [2, 19, 0],
      [0, 2, 29],
    ],
  },
  training: {
    command: 'npm run train -- --data flowers',
    backend: 'WebAssembly',
    parameters: 1_234_567,
    side: 112,
    epochs: 3,
    seconds: 600,
    photosPerSecond: 12.4,
    backbone: null,
  },
  bytes: 2_470_000,
  history: [
    { epoch: 1, trainingLoss: 1.6, trainingAccuracy: 0.3, validation: { loss: 1.4, accuracy: 0.5 } },
    { epoch: 2, trainingLoss: 1.2, trainingAccuracy: 0.5, validation: { loss: 0.9, accuracy: 0.75 } },
    { epoch: 3, trainingLoss: 0.8, trainingAccuracy: 0.7, validation: { loss: 0.4, accuracy: 1 } },
  ],
  ...changes,
});
