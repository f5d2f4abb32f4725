/**
 * IEEE 754 half precision. The shipped weights are stored so: half the size, and a rounding that is far below what
 * changes an answer (measured in the model card). Node 20 has no Float16Array.
 */

const scratch = new DataView(new ArrayBuffer(4));

const EXPONENT_BIAS = 15;
const MANTISSA_BITS = 10;
const SMALLEST_SUBNORMAL = 2 ** -24;
/** The largest finite half. */
export const LARGEST_HALF = 65504;
/** From here on the nearest half is infinity. */
const OVERFLOW = 65520;

/** Rounds half to even, as IEEE 754 does. */
const roundToEven = (value: number): number => {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
};

const encode = (value: number): number => {
  scratch.setFloat32(0, value);
  const sign = (scratch.getUint32(0) >>> 31) << 15;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= OVERFLOW) return sign | 0x7c00;
  if (size < 2 ** (1 - EXPONENT_BIAS)) return sign | roundToEven(size / SMALLEST_SUBNORMAL);
  const exponent = Math.floor(Math.log2(size));
  const mantissa = roundToEven((size / 2 ** exponent - 1) * 2 ** MANTISSA_BITS);
  // A mantissa that rounds up to 2^10 carries into the exponent by plain addition.
  return sign | (((exponent + EXPONENT_BIAS) << MANTISSA_BITS) + mantissa);
};

const decode = (bits: number): number => {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> MANTISSA_BITS) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * mantissa * SMALLEST_SUBNORMAL;
  return sign * (1 + mantissa / 2 ** MANTISSA_BITS) * 2 ** (exponent - EXPONENT_BIAS);
};

/** @returns little-endian halves, two bytes a value */
export const toHalf = (values: Float32Array): Uint8Array => {
  const bytes = new Uint8Array(values.length * 2);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => view.setUint16(index * 2, encode(value), true));
  return bytes;
};

/** @param bytes little-endian halves */
export const fromHalf = (bytes: Uint8Array): Float32Array => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.byteLength / 2 }, (_, index) =>
    decode(view.getUint16(index * 2, true)),
  );
};
