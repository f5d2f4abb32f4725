import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeWeightsFile, encodeWeightsFile } from './weights.ts';

const FILE = {
  header: { epoch: 3, text: 'línea\n', sum: 0.1 + 0.2 },
  groups: {
    weights: [Float32Array.of(1.5, -0, Math.fround(0.1)), new Float32Array(), Float32Array.of(3.4e38)],
    none: [],
    moments: [new Float32Array([1, 2, 3, 4, 5]).subarray(1, 4)],
  },
};

test('what is written is read back, to the bit', () => {
  assert.deepEqual(decodeWeightsFile(encodeWeightsFile(FILE)), {
    ...FILE,
    groups: { ...FILE.groups, moments: [Float32Array.of(2, 3, 4)] },
  });
});

test('it is read from any place in memory', () => {
  const bytes = encodeWeightsFile(FILE);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  assert.deepEqual(decodeWeightsFile(shifted.subarray(3)), decodeWeightsFile(bytes));
});

test('a file that was cut short anywhere is none', () => {
  const bytes = encodeWeightsFile(FILE);
  for (let length = 0; length < bytes.length; length++)
    assert.equal(decodeWeightsFile(bytes.subarray(0, length)), undefined, `${length} bytes`);
});

test('a file of which any byte changed is none', () => {
  const bytes = encodeWeightsFile(FILE);
  for (let index = 0; index < bytes.length; index++) {
    const changed = Uint8Array.from(bytes);
    changed[index] = (changed[index] ?? 0) ^ 1;
    assert.equal(decodeWeightsFile(changed), undefined, `byte ${index}`);
  }
});

test('bytes after the end are noticed', () => {
  const bytes = encodeWeightsFile(FILE);
  assert.equal(decodeWeightsFile(Uint8Array.of(...bytes, 0)), undefined);
});
