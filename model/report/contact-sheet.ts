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
/** Number of letters that fit below a photo. */
const NAME = 20;

/** The highest-confidence errors as a JPEG, with photos from the dataset: the first place to look for wrong labels. */
export const contactSheet = (mistakes: readonly Mistake[]): Promise<Buffer> => {
  const worst = mistakes.toSorted((a, b) => b.confidence - a.confidence).slice(0, MOST);
  const columns = Math.max(1, Math.min(COLUMNS, worst.length));
  const places = worst.map((_, index) => ({
    left: GAP + (index % columns) * (PHOTO_SIDE + GAP),
    top: HEADING + Math.floor(index / columns) * (PHOTO_SIDE + CAPTION),
  }));
  const captions = worst.flatMap(({ truth, answer, confidence }, index) => {
    const { left = 0, top = 0 } = places[index] ?? {};
    const middle = left + PHOTO_SIDE / 2;
    return [
      label(middle, top + PHOTO_SIDE + 14, `${abridge(answer, NAME)}, ${(confidence * 100).toFixed(1)} %`),
      label(middle, top + PHOTO_SIDE + 31, `is ${abridge(truth, NAME)}`, { fill: '#555' }),
    ];
  });
  const photos = worst.map(({ pixels }, index) => ({
    ...places[index],
    input: Buffer.from(pixels),
    raw: { width: PHOTO_SIDE, height: PHOTO_SIDE, channels: PHOTO_CHANNELS } as const,
  }));
  const width = GAP + columns * (PHOTO_SIDE + GAP);
  const height = HEADING + Math.ceil(worst.length / columns) * (PHOTO_SIDE + CAPTION);
  // Short enough for a single photo's width.
  const heading = `Mistakes: ${worst.length} of ${mistakes.length}`;
  return rasterize(svgDocument(width, height, heading, captions))
    .composite(photos)
    .jpeg({ quality: QUALITY })
    .toBuffer();
};
