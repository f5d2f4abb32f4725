import { label } from './svg.ts';
import { abridged, pixelsOf, widthOf } from './text-width.ts';

const LONGEST = 32;
const FONT_SIZE = 13;
const SMALLEST_LEVEL = 10;
const GAP = 10;
const SLOPE = 45;
/** Sloping, lines are closer than the columns are. */
const SLOPING = 0.6;

/** Names of classes beside and above a matrix, and how much room they take. */
export interface MatrixNames {
  /** Left of the matrix. */
  readonly beside: number;
  readonly above: number;
  /** Right of the matrix, where sloping names of the last columns end. */
  readonly beyond: number;
  readonly draw: (left: number, top: number) => string[];
}

/** Level over their columns as long as they fit, and sloping if not. */
export const matrixNames = (labels: readonly string[], cell: number): MatrixNames => {
  const names = labels.map((name) => abridged(name, LONGEST));
  const longest = names.reduce((a, b) => (widthOf(b) > widthOf(a) ? b : a), '');
  const fontSize = Math.min(FONT_SIZE, cell * 0.75);
  const levelSize = Math.min(fontSize, (cell - GAP) / pixelsOf(longest, 1));
  const isLevel = levelSize >= SMALLEST_LEVEL;
  const slopingSize = Math.min(FONT_SIZE, cell * SLOPING);
  const reach = pixelsOf(longest, slopingSize) * Math.sin((SLOPE * Math.PI) / 180) + slopingSize;

  const over = (x: number, y: number, name: string): string =>
    isLevel
      ? label(x, y - GAP, name, { 'font-size': levelSize })
      : label(x, y, name, {
          'font-size': slopingSize,
          'text-anchor': 'start',
          transform: `rotate(-${SLOPE} ${x.toFixed(1)} ${y})`,
        });

  return {
    beside: pixelsOf(longest, fontSize) + GAP,
    above: isLevel ? FONT_SIZE + GAP : reach + GAP,
    beyond: isLevel ? 0 : Math.max(0, reach - cell / 2),
    draw: (left, top) =>
      names.flatMap((name, index) => [
        over(left + (index + 0.5) * cell, top - GAP / 2, name),
        label(left - GAP, top + (index + 0.5) * cell, name, { 'text-anchor': 'end', 'font-size': fontSize }),
      ]),
  };
};
