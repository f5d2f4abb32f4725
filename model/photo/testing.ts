import sharp from 'sharp';
import { PHOTO_CHANNELS } from '../contract/tensors.ts';
import { type Colour, type Picture, picture } from '../testing.ts';

/** Pictures for sharp to encode. */

export const encoder = ({ data, width, height }: Picture) =>
  sharp(data, { raw: { width, height, channels: PHOTO_CHANNELS } });

export const plain = (colour: Colour, width = 64, height = 48) =>
  encoder(picture(width, height, () => colour));
