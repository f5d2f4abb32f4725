import { element, label, tooltip } from './svg.ts';
import { pixelsOf } from './text-width.ts';

/** From this side on, in pixels, a cell says its share too. */
const ROOM_FOR_SHARE = 70;
const SMALLEST_FONT = 8;

export interface Cell {
  readonly x: number;
  readonly y: number;
  /** With the gap to the next cell. */
  readonly side: number;
  readonly count: number;
  /** Photos of the true class. */
  readonly total: number;
  /** Names the classes, where a cell has no room for numbers. */
  readonly hint: string;
}

/** The darker, the larger the share; by its root, as a single mistake among a hundred photos is to be seen. */
const colourOf = (share: number) => `hsl(262 60% ${(96 - 56 * Math.sqrt(share)).toFixed(1)}%)`;

const square = (x: number, y: number, side: number, share: number, content = ''): string => {
  const gap = Math.min(3, side / 12);
  const shape = { x, y, width: side - gap, height: side - gap, rx: 2 * gap };
  return element('rect', { ...shape, fill: colourOf(share) }, content);
};

/** Cells without photos, all at once: among many classes they are most. */
export const emptyCells = (x: number, y: number, side: number, classes: number): string[] => {
  const tile = { id: 'empty', x, y, width: side, height: side, patternUnits: 'userSpaceOnUse' };
  const [width, height] = [side * classes, side * classes];
  return [
    element('pattern', tile, square(0, 0, side, 0)),
    element('rect', { x, y, width, height, fill: 'url(#empty)' }),
  ];
};

/** What is written into a cell: less, the smaller it is. */
const numbers = ({ x, y, side, count, total }: Cell, fill: string): string[] => {
  const [middle, text] = [x + side / 2, String(count)];
  if (side >= ROOM_FOR_SHARE) {
    const share = total === 0 ? '–' : `${((count / total) * 100).toFixed(1)} %`;
    return [
      label(middle, y + side * 0.42, text, { fill, 'font-size': side * 0.18 }),
      label(middle, y + side * 0.63, share, { fill, 'font-size': side * 0.1 + 1 }),
    ];
  }
  const fontSize = Math.min(side * 0.4, (side - 5) / pixelsOf(text, 1));
  if (count === 0 || fontSize < SMALLEST_FONT) return [];
  return [label(middle, y + side / 2, text, { fill, 'font-size': fontSize })];
};

/** A cell's photos; nothing where the cell is empty and small. */
export const matrixCell = (cell: Cell): string[] => {
  const { x, y, side, count, total, hint } = cell;
  const share = count / Math.max(1, total);
  const written = numbers(cell, share > 0.45 ? '#fff' : '#222');
  return count === 0 ? written : [square(x, y, side, share, tooltip(hint)), ...written];
};
