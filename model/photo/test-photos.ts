import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { PHOTO_CHANNELS } from '../contract/tensors.ts';
import { type Colour, type Picture, picture } from '../shared/test-pictures.ts';

/** Photos for tests. */

export const encoder = ({ data, width, height }: Picture) =>
  sharp(data, { raw: { width, height, channels: PHOTO_CHANNELS } });

export const plain = (colour: Colour, width = 64, height = 48) =>
  encoder(picture(width, height, () => colour));

/** Without a valid checksum, which is only checked when pixels are decoded. */
const chunk = (type: string, data: Uint8Array): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  return Buffer.concat([length, Buffer.from(type), data, Buffer.alloc(4)]);
};

/** Chunks before the pixels. */
type Chunk = readonly [type: string, data: Uint8Array];

export interface HollowPngOptions {
  readonly depth?: 8 | 16;
  readonly colourType?: 0 | 2 | 6;
  readonly interlaced?: boolean;
  readonly chunks?: readonly Chunk[];
}

/** A PNG that claims a size and contains next to nothing. */
export const hollowPng = (
  width: number,
  height: number,
  { depth = 8, colourType = 2, interlaced = false, chunks = [] }: HollowPngOptions = {},
): Buffer => {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, depth, colourType, 0, 0, interlaced ? 1 : 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    ...chunks.map(([type, data]) => chunk(type, data)),
    chunk('IDAT', deflateSync(Buffer.alloc(100))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
};

const segment = (marker: number, ...data: number[]) =>
  Buffer.from([0xff, marker, (data.length + 2) >> 8, (data.length + 2) & 255, ...data]);

export interface ManyScansOptions {
  readonly scans: number;
  readonly side: number;
  /** Bytes of coded data in each scan. */
  readonly scanBytes?: number;
}

/** A progressive grey JPEG whose scans contain no valid data, for checks that decode nothing. */
export const manyScans = ({ scans, side, scanBytes = 10 }: ManyScansOptions): Buffer => {
  const frame = segment(0xc2, 8, side >> 8, side & 255, side >> 8, side & 255, 1, 1, 0x11, 0);
  // Stuffed bytes and restarts do not count as markers.
  const scan = [
    segment(0xda, 1, 1, 0, 1, 63, 0),
    Buffer.from([0xff, 0, 0xff, 0xd0]),
    Buffer.alloc(scanBytes),
  ];
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    frame,
    ...Array.from({ length: scans }, () => scan).flat(),
    Buffer.from([0xff, 0xd9]),
  ]);
};

/** A lossless WebP of one colour: its pixels take no bits at all. */
export const flatWebp = (width: number, height: number): Buffer => {
  let code = 0x2fn | (BigInt(width - 1) << 8n) | (BigInt(height - 1) << 22n);
  for (const [at, symbol] of [120, 200, 40, 255, 0].entries()) {
    code |= BigInt(0b101 | (symbol << 3)) << BigInt(43 + 11 * at);
  }
  const data = Buffer.from(code.toString(16).padStart(26, '0'), 'hex').reverse();
  const sizes = [26, 13].map((size) => Buffer.from([size, 0, 0, 0]));
  return Buffer.concat([
    ...[Buffer.from('RIFF'), sizes[0] ?? data, Buffer.from('WEBPVP8L'), sizes[1] ?? data],
    ...[data, Buffer.from([0])],
  ]);
};
