import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHalf, toHalf } from './half.ts';

const encode = (value: number): number => {
  const [low = 0, high = 0] = toHalf(Float32Array.of(value));
  return (high << 8) | low;
};

const decode = (bits: number): number => {
  const [value = 0] = fromHalf(Uint8Array.of(bits & 0xff, bits >> 8));
  return value;
};

/** Examples of IEEE 754-2008 binary16 that lie on a half exactly. */
const EXACT: readonly (readonly [value: number, bits: number])[] = [
  [0, 0x0000],
  [-0, 0x8000],
  [1, 0x3c00],
  [-2, 0xc000],
  [0.5, 0x3800],
  [1 + 2 ** -10, 0x3c01],
  [65504, 0x7bff],
  [-65504, 0xfbff],
  [2 ** -14, 0x0400],
  [2 ** -14 - 2 ** -24, 0x03ff],
  [2 ** -24, 0x0001],
  [-(2 ** -24), 0x8001],
  [Number.POSITIVE_INFINITY, 0x7c00],
  [Number.NEGATIVE_INFINITY, 0xfc00],
];

for (const [value, bits] of EXACT) {
  test(`${Object.is(value, -0) ? '-0' : value} is 0x${bits.toString(16)}`, () => {
    assert.equal(encode(value), bits);
    assert.ok(Object.is(decode(bits), value));
  });
}

/** Values between two halves, and the one that IEEE 754 rounds to. */
const ROUNDED: readonly (readonly [why: string, value: number, rounded: number])[] = [
  ['a tie above an even mantissa', 1 + 2 ** -11, 1],
  ['a tie above an odd mantissa', 1 + 3 * 2 ** -11, 1 + 2 ** -9],
  ['just over a tie', 1 + 2 ** -11 + 2 ** -20, 1 + 2 ** -10],
  ['just under a tie', 1 + 3 * 2 ** -11 - 2 ** -20, 1 + 2 ** -10],
  ['a tie that carries into the exponent', 2 - 2 ** -11, 2],
  ['half of the smallest number', 2 ** -25, 0],
  ['just over half of the smallest number', 2 ** -25 * 1.001, 2 ** -24],
  ['a subnormal tie', 3 * 2 ** -25, 2 ** -23],
  ['what rounds up to the smallest normal number', 2 ** -14 - 2 ** -26, 2 ** -14],
  ['just under the overflow', 65519, 65504],
  ['the overflow', 65520, Number.POSITIVE_INFINITY],
  ['far too much', -1e30, Number.NEGATIVE_INFINITY],
  ['a float that is subnormal itself', -1e-40, -0],
];

for (const [why, value, rounded] of ROUNDED) {
  test(`${why} (${value}) becomes ${rounded}`, () => assert.ok(Object.is(decode(encode(value)), rounded)));
}

test('a third becomes the nearest half', () => assert.equal(encode(1 / 3), 0x3555));

test('what is not a number stays none', () => {
  assert.ok(Number.isNaN(decode(encode(Number.NaN))));
  assert.ok(Number.isNaN(decode(0x7e00)));
  assert.ok(Number.isNaN(decode(0xfc01)));
});

test('every one of the 65,536 halves comes back as itself', () => {
  const bytes = new Uint8Array(Uint16Array.from({ length: 65_536 }, (_, bits) => bits).buffer);
  const values = fromHalf(bytes);
  const again = new Uint16Array(toHalf(values).slice().buffer);
  values.forEach((value, bits) => {
    if (Number.isNaN(value)) assert.ok((bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0);
    else assert.equal(again[bits], bits);
  });
});

test('a number between two halves becomes the nearer', () => {
  for (let bits = 1; bits < 0x7bff; bits += 7) {
    const [low, high] = [decode(bits), decode(bits + 1)];
    assert.equal(encode(low + (high - low) * 0.25), bits);
    assert.equal(encode(low + (high - low) * 0.75), bits + 1);
  }
});

test('a view into the middle of other bytes is read in its place', () => {
  const bytes = Uint8Array.of(9, 9, 9, ...toHalf(Float32Array.of(1.5, -3)), 9);
  assert.deepEqual([...fromHalf(bytes.subarray(3, 7))], [1.5, -3]);
});
