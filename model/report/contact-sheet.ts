import { PHOTO_CHANNELS, PHOTO_SIDE } from '../contract/tensors.ts';
import { drawing } from './drawing.ts';
import { label, picture } from './svg.ts';
import { shortened } from './text-width.ts';

/** A photo that the model named wrongly. */
export interface Mistake {
  readonly file: string;
  readonly truth: string;
  readonly answer: string;
  readonly confidence: number;
  readonly pixels: Uint8Array;
}

const COLUMNS = 4;
const CAPTION = 44;
const HEADING = 44;
const MOST = 12;
/** Letters of a name that fit below a photo. */
const NAME = 20;

/** The mistakes that the model was surest of, as a JPEG: first look here for wrong labels. It shows photos of the dataset. */
export const contactSheet = async (mistakes: readonly Mistake[]): Promise<Buffer> => {
  const worst = mistakes.toSorted((a, b) => b.confidence - a.confidence).slice(0, MOST);
  const width = COLUMNS * PHOTO_SIDE;
  const height = HEADING + Math.max(1, Math.ceil(worst.length / COLUMNS)) * (PHOTO_SIDE + CAPTION);
  const place = (index: number) => ({
    left: (index % COLUMNS) * PHOTO_SIDE,
    top: HEADING + Math.floor(index / COLUMNS) * (PHOTO_SIDE + CAPTION),
  });
  const captions = worst.flatMap(({ truth, answer, confidence }, index) => {
    const { left, top } = place(index);
    const middle = left + PHOTO_SIDE / 2;
    return [
      label(middle, top + PHOTO_SIDE + 14, `${shortened(answer, NAME)}, ${(confidence * 100).toFixed(1)} %`),
      label(middle, top + PHOTO_SIDE + 31, `is ${shortened(truth, NAME)}`, { fill: '#555' }),
    ];
  });
  const title =
    worst.length === 0 ? 'No mistakes' : `The ${worst.length} surest of ${mistakes.length} mistakes`;
  const photos = worst.map(({ pixels }, index) => ({
    ...place(index),
    input: Buffer.from(pixels),
    raw: { width: PHOTO_SIDE, height: PHOTO_SIDE, channels: PHOTO_CHANNELS } as const,
  }));
  return drawing(picture(width, height, title, captions))
    .composite(photos)
    .jpeg({ quality: 85 })
    .toBuffer();
};
