import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { PHOTO_CHANNELS } from '../contract/tensors.ts';
import { type Colour, type Picture, picture } from '../shared/test-pictures.ts';

/** Pictures for sharp to encode. */

export const encoder = ({ data, width, height }: Picture) =>
  sharp(data, { raw: { width, height, channels: PHOTO_CHANNELS } });

export const plain = (colour: Colour, width = 64, height = 48) =>
  encoder(picture(width, height, () => colour));

/** CRC-32 (ISO 3309), which Node 20.9 does not offer. */
const crc32 = (bytes: Uint8Array): number => {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
};

const chunk = (type: string, data: Uint8Array): Buffer => {
  const body = Buffer.concat([Buffer.from(type), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
};

/** A PNG that claims a size and holds next to nothing. */
export const hollowPng = (width: number, height: number): Buffer => {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(100))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
};
