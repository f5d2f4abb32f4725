import type { PhotoFormat } from './format.ts';

/** What a file's markers or chunks declare, without decoding a pixel. */
export interface PhotoHeader {
  readonly width: number;
  readonly height: number;
  /** More than one means an animation. */
  readonly frames: number;
  /** Whether the decoder should shrink the picture as far as it can. */
  readonly shrinkOnLoad: boolean;
  /** Rough CPU time of decoding, in milliseconds on a server of 2024. */
  readonly milliseconds: number;
  /** Rough memory for decoding, in bytes. */
  readonly bytes: number;
}

/**
 * From this many pixels on, WebP is shrunk while it is decoded, at a fraction of the cost. That occasionally changes an
 * answer (docs/decisions/019-what-the-services-spend.md), so smaller pictures are decoded at full size.
 */
const WEBP_SHRINK_PIXELS = 25e6;

/** Memory of a streaming decoder: some rows, and tables. */
const STREAMED_BYTES = 16e6;
/** Milliseconds for each marker or chunk; real files have a few dozen, hostile ones millions. */
const MS_PER_CHUNK = 0.005;
/** Limit after which inspection stops. */
const ENOUGH_MS = 10_000;
/** Milliseconds for each byte of a colour profile, which is converted to tables. */
const MS_PER_PROFILE_BYTE = 3e-5;

/** A chunk type's four letters as a number, for comparison. */
const chunkType = (name: string) => Buffer.from(name, 'latin1').readUInt32BE();
const [ACTL, ICCP_OF_PNG, IEND] = [chunkType('acTL'), chunkType('iCCP'), chunkType('IEND')];
const [VP8, VP8L, VP8X] = [chunkType('VP8 '), chunkType('VP8L'), chunkType('VP8X')];
const [ALPH, ANMF, ICCP] = [chunkType('ALPH'), chunkType('ANMF'), chunkType('ICCP')];

const view = (file: Uint8Array) => new DataView(file.buffer, file.byteOffset, file.byteLength);

interface Component {
  readonly id: number;
  /** Blocks of 8 x 8, in pixels. */
  readonly coefficients: number;
}

interface Frame {
  readonly marker: number;
  readonly width: number;
  readonly height: number;
  readonly components: readonly Component[];
}

/** A frame header (ITU T.81, B.2.2). */
const readFrame = (data: DataView, at: number, marker: number): Frame => {
  const [height, width] = [data.getUint16(at + 5), data.getUint16(at + 7)];
  const sampling = Array.from({ length: data.getUint8(at + 9) }, (_, index) => {
    const factors = data.getUint8(at + 11 + 3 * index);
    return { id: data.getUint8(at + 10 + 3 * index), area: (factors >> 4) * (factors & 15) };
  });
  const largest = Math.max(1, ...sampling.map(({ area }) => area));
  const components = sampling.map(({ id, area }) => ({
    id,
    coefficients: (width * height * area) / largest,
  }));
  return { marker, width, height, components };
};

/** The end of a scan's coded data: the next marker that is neither a stuffed byte nor a restart. */
const endOfScan = (file: Uint8Array, from: number): number => {
  for (let at = from; at < file.length - 1; at++) {
    if (file[at] !== 0xff) continue;
    const next = file[at + 1] ?? 0;
    if (next !== 0 && next !== 0xff && (next < 0xd0 || next > 0xd7)) return at;
  }
  return file.length;
};

const sum = (components: readonly Component[]) =>
  components.reduce((total, { coefficients }) => total + coefficients, 0);

const isFrameMarker = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

/**
 * Every scan of a progressive JPEG visits all coefficients of its components, however little it encodes, and they are
 * kept in memory until the last scan; a baseline JPEG is decoded row by row.
 */
const inspectJpeg = (file: Uint8Array): PhotoHeader | undefined => {
  const data = view(file);
  let frame: Frame | undefined;
  let milliseconds = 0;
  /** Whether all coefficients are kept until the last scan. */
  let whole = false;
  for (let at = 2; at < file.length - 3 && milliseconds < ENOUGH_MS; milliseconds += MS_PER_CHUNK) {
    // Like the decoder, this skips bytes that are not markers.
    const marker = file[at] === 0xff ? (file[at + 1] ?? 0) : 0;
    if (marker === 0 || marker === 0xff || marker === 1 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += marker === 0 || marker === 0xff ? 1 : 2;
      continue;
    }
    if (marker === 0xd9) break;
    const length = data.getUint16(at + 2);
    if (isFrameMarker(marker)) frame ??= readFrame(data, at, marker);
    if (marker === 0xe2) milliseconds += length * MS_PER_PROFILE_BYTE;
    if (marker === 0xda && frame) {
      const ids = Array.from({ length: file[at + 4] ?? 0 }, (_, index) => file[at + 5 + 2 * index]);
      const components = frame.components.filter(({ id }) => ids.includes(id));
      const isProgressive = (frame.marker & 3) === 2;
      if (!isProgressive && components.length === frame.components.length) break;
      whole = true;
      milliseconds += sum(components) * 1e-7;
      at = endOfScan(file, at + 2 + length);
    } else at += 2 + length;
  }
  if (!frame) return undefined;
  const coefficients = sum(frame.components);
  // Arithmetic coding takes several times as long as Huffman coding.
  const msPerByte = (frame.marker > 0xc8 ? 4 : 1) * (whole ? 2.5e-5 : 1.5e-5);
  return {
    width: frame.width,
    height: frame.height,
    frames: 1,
    shrinkOnLoad: true,
    milliseconds: milliseconds + file.length * msPerByte + coefficients * (whole ? 4e-6 : 5e-7),
    bytes: STREAMED_BYTES + (whole ? coefficients * 2 : 0),
  };
};

/** Samples per pixel by PNG's colour type (W3C PNG, 11.2.1); a palette index is one, and is expanded to three. */
const PNG_SAMPLES: Readonly<Record<number, readonly [stored: number, decoded: number]>> = {
  0: [1, 1],
  2: [3, 3],
  3: [1, 3],
  4: [2, 2],
  6: [4, 4],
};

const PNG_HEADER_END = 33;

/** A PNG is decompressed and unfiltered row by row, but an interlaced one is kept as a whole. */
const inspectPng = (file: Uint8Array): PhotoHeader | undefined => {
  const data = view(file);
  const [width, height, depth] = [data.getUint32(16), data.getUint32(20), data.getUint8(24)];
  const colourType = data.getUint8(25);
  const samples = PNG_SAMPLES[colourType];
  if (!samples) return undefined;
  const isInterlaced = data.getUint8(28) !== 0;
  const hasAlpha = colourType >= 4;
  const pixels = width * height;
  const decoded = pixels * samples[1] * (depth === 16 ? 2 : 1);
  const factor = (depth === 16 ? 1.5 : 1) * (isInterlaced ? 1.3 : 1) * (hasAlpha ? 1.2 : 1);
  let milliseconds = Math.max(decoded, (pixels * samples[0] * depth) / 8) * 4e-6 * factor;
  let frames = 1;
  for (let at = PNG_HEADER_END; at + 12 <= file.length && milliseconds < ENOUGH_MS; ) {
    const length = data.getUint32(at);
    const type = data.getUint32(at + 4);
    if (type === ACTL) frames = Math.max(frames, data.getUint32(at + 8));
    if (type === ICCP_OF_PNG) milliseconds += pixels * 6e-6 + length * 100 * MS_PER_PROFILE_BYTE;
    // The chunk that makes a PNG an animation comes before its pixels.
    if (type === IEND) break;
    milliseconds += MS_PER_CHUNK;
    at += 12 + length;
  }
  const bytes = STREAMED_BYTES + (isInterlaced ? decoded : 0);
  return { width, height, frames, shrinkOnLoad: false, milliseconds, bytes };
};

const uint24 = (data: DataView, at: number) => data.getUint16(at, true) + (data.getUint8(at + 2) << 16);

/** Width and height in a chunk of a WebP file (RFC 9649), whose data begin at `at`. */
const webpSize = (data: DataView, type: number, at: number): readonly [number, number] | undefined => {
  if (type === VP8X) return [uint24(data, at + 4) + 1, uint24(data, at + 7) + 1];
  if (type === VP8) return [data.getUint16(at + 6, true) & 0x3fff, data.getUint16(at + 8, true) & 0x3fff];
  if (type !== VP8L) return undefined;
  const bits = data.getUint32(at + 1, true);
  return [(bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1];
};

/** Lossless pixels and alpha planes are kept as a whole; lossy ones only if they are not shrunk on load. */
const inspectWebp = (file: Uint8Array): PhotoHeader | undefined => {
  const data = view(file);
  let [width, height, frames, milliseconds] = [0, 0, 0, 0];
  let [isLossless, hasAlpha] = [false, false];
  for (let at = 12; at + 8 <= file.length && milliseconds < ENOUGH_MS; milliseconds += MS_PER_CHUNK) {
    const type = data.getUint32(at);
    const length = data.getUint32(at + 4, true);
    const [chunkWidth, chunkHeight] = webpSize(data, type, at + 8) ?? [0, 0];
    width = Math.max(width, chunkWidth);
    height = Math.max(height, chunkHeight);
    if (type === ANMF) frames += 1;
    if (type === VP8L) isLossless = true;
    if (type === ALPH) hasAlpha = true;
    if (type === ICCP) milliseconds += length * MS_PER_PROFILE_BYTE;
    at += 8 + length + (length & 1);
  }
  if (width === 0 || height === 0) return undefined;
  const pixels = width * height;
  const shrinkOnLoad = pixels >= WEBP_SHRINK_PIXELS;
  const msPerPixel = (isLossless ? 2.2e-5 : 8e-6) + (hasAlpha ? 1.2e-5 : 0) + (shrinkOnLoad ? 0 : 3e-5);
  const bytesPerPixel = (isLossless ? 4 : 0) + (hasAlpha ? 5 : 0) + (shrinkOnLoad ? 0 : 8);
  return {
    ...{ width, height, frames: Math.max(1, frames), shrinkOnLoad },
    milliseconds: milliseconds + pixels * msPerPixel,
    bytes: STREAMED_BYTES + pixels * bytesPerPixel,
  };
};

const INSPECTORS = { jpeg: inspectJpeg, png: inspectPng, webp: inspectWebp } as const;

/**
 * Reads a photo's size, and estimates its decoding cost, from its markers or chunks.
 *
 * @returns undefined if the file is too damaged
 */
export const inspect = (file: Uint8Array, format: PhotoFormat): PhotoHeader | undefined => {
  try {
    return INSPECTORS[format](file);
  } catch (error) {
    // A length or a size lies beyond the end of the file.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
};
