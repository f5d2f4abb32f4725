import { PHOTO_CHANNELS, PHOTO_SIDE } from '../contract/tensors.ts';
import { label, rasterize, svgDocument } from '../shared/svg.ts';
import { abridge } from '../shared/text.ts';

/** A photo that the model classified wrongly. */
export interface Mistake {
  readonly file: string;
  readonly truth: string;
  readonly answer: string;
  readonly confidence: number;
  readonly pixels: Uint8Array;
}

const COLUMNS = 4;
const GAP = 12;
const CAPTION = 44;
const HEADING = 44;
const MOST = 12;
const QUALITY = 85;
/** Letters of a name that fit below a photo. */
const NAME = 20;

/** Which mistakes are shown: short enough for the width of a single photo. */
const headingOf = (shown: number, all: number): string => {
  if (all === 1) return 'The only mistake';
  return shown < all
    ? `The ${shown} of ${all} mistakes with the highest confidence`
    : `${all} mistakes, highest confidence first`;
};

/** Places of the photos of a sheet, row by row. */
const layout = (photos: number) => {
  const columns = Math.min(COLUMNS, photos);
  return {
    width: GAP + columns * (PHOTO_SIDE + GAP),
    height: HEADING + Math.ceil(photos / columns) * (PHOTO_SIDE + CAPTION),
    place: (index: number) => ({
      left: GAP + (index % columns) * (PHOTO_SIDE + GAP),
      top: HEADING + Math.floor(index / columns) * (PHOTO_SIDE + CAPTION),
    }),
  };
};

/** The highest-confidence errors as a JPEG: look here first for wrong labels. It shows photos of the dataset. */
export const contactSheet = async (mistakes: readonly Mistake[]): Promise<Buffer> => {
  if (mistakes.length === 0) {
    const text = label(180, 60, 'Every test photo was classified correctly.', { fill: '#555' });
    return rasterize(svgDocument(360, 90, 'No mistakes', [text]))
      .jpeg({ quality: QUALITY })
      .toBuffer();
  }
  const worst = mistakes.toSorted((a, b) => b.confidence - a.confidence).slice(0, MOST);
  const { width, height, place } = layout(worst.length);
  const captions = worst.flatMap(({ truth, answer, confidence }, index) => {
    const { left, top } = place(index);
    const middle = left + PHOTO_SIDE / 2;
    return [
      label(middle, top + PHOTO_SIDE + 14, `${abridge(answer, NAME)}, ${(confidence * 100).toFixed(1)} %`),
      label(middle, top + PHOTO_SIDE + 31, `is ${abridge(truth, NAME)}`, { fill: '#555' }),
    ];
  });
  const photos = worst.map(({ pixels }, index) => ({
    ...place(index),
    input: Buffer.from(pixels),
    raw: { width: PHOTO_SIDE, height: PHOTO_SIDE, channels: PHOTO_CHANNELS } as const,
  }));
  return rasterize(svgDocument(width, height, headingOf(worst.length, mistakes.length), captions))
    .composite(photos)
    .jpeg({ quality: QUALITY })
    .toBuffer();
};
