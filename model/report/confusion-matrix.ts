import { element, label, svgDocument, tooltip } from '../shared/svg.ts';
import { abridge } from '../shared/text.ts';

/** With few classes the cell size is fixed, with many the grid size. */
const [LARGEST_CELL, LARGEST_GRID] = [120, 960];
/** Minimum cell sides, in pixels, for showing the share and the column's name, or the count. */
const [ROOM_FOR_SHARE, ROOM_FOR_COUNT] = [70, 22];
const [FONT_SIZE, SMALLEST_FONT, LONGEST_NAME] = [13, 10, 24];
/** Width of most letters, relative to the font size. */
const LETTER = 0.65;
const [MARGIN, HEADING, GAP] = [20, 44, 10];
const ROOM_FOR_TITLE = 460;

/** Opacity by the square root of the share, so that a single mistake among a hundred photos is visible. */
const shade = (share: number) => `hsl(262 60% ${(96 - 56 * Math.sqrt(share)).toFixed(1)}%)`;

interface Cell {
  readonly x: number;
  readonly y: number;
  readonly side: number;
  readonly count: number;
  /** Photos of the true class. */
  readonly total: number;
  /** Tooltip with the classes, if the cell has no room for numbers. */
  readonly hint: string;
}

/** A cell. A small one has no number, and none at all is drawn without photos. */
const drawCell = ({ x, y, side, count, total, hint }: Cell): string[] => {
  if (count === 0 && side < ROOM_FOR_SHARE) return [];
  const share = count / Math.max(1, total);
  const [middle, gap] = [x + side / 2, side / 40];
  const fill = share > 0.45 ? '#fff' : '#222';
  const square = { x, y, width: side - gap, height: side - gap, fill: shade(share) };
  const written =
    side < ROOM_FOR_SHARE
      ? [label(middle, y + side / 2, String(count), { fill, 'font-size': side * 0.35 })]
      : [
          label(middle, y + side * 0.42, String(count), { fill, 'font-size': side * 0.18 }),
          label(middle, y + side * 0.63, total === 0 ? '–' : `${(share * 100).toFixed(1)} %`, {
            fill,
            'font-size': side * 0.1 + 1,
          }),
        ];
  return [element('rect', square, tooltip(hint)), ...(side < ROOM_FOR_COUNT ? [] : written)];
};

/**
 * A confusion matrix as SVG: rows are the truth, columns the answers. With many classes, rows and columns are numbered
 * because names would not fit above the columns.
 *
 * @param confusion `confusion[truth][answer]`, counts
 */
export const confusionMatrix = (
  labels: readonly string[],
  confusion: readonly (readonly number[])[],
): string => {
  const side = Math.min(LARGEST_CELL, LARGEST_GRID / labels.length);
  const grid = side * labels.length;
  const isNamed = side >= ROOM_FOR_SHARE;
  const names = labels.map(
    (name, index) => `${isNamed ? '' : `${index + 1} `}${abridge(name, LONGEST_NAME)}`,
  );
  const fontSize = Math.min(FONT_SIZE, side * 0.75);
  // No letter is wider than its height.
  const beside = MARGIN + Math.max(...names.map(({ length }) => length)) * fontSize + GAP;
  const width = Math.ceil(Math.max(ROOM_FOR_TITLE, beside + grid + MARGIN));
  const [left, top] = [beside + (width - beside - grid - MARGIN) / 2, HEADING + FONT_SIZE + GAP];
  const columns = labels.map((name, index) =>
    isNamed ? abridge(name, Math.floor((side - GAP) / (LETTER * SMALLEST_FONT))) : String(index + 1),
  );
  const longest = Math.max(...columns.map(({ length }) => length));
  const columnSize = Math.min(FONT_SIZE, (isNamed ? side - GAP : side * 0.9) / (LETTER * longest));
  const headings = columns.flatMap((column, index) => {
    const [x, y] = [left + (index + 0.5) * side, top + (index + 0.5) * side];
    return [
      label(x, top - GAP, column, { 'font-size': columnSize }),
      label(left - GAP, y, names[index] ?? '', { 'text-anchor': 'end', 'font-size': fontSize }),
    ];
  });
  const cells = confusion.flatMap((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return row.flatMap((count, answer) => {
      const hint = `${labels[truth]} named ${labels[answer]}: ${count} of ${total}`;
      return drawCell({ x: left + answer * side, y: top + truth * side, side, count, total, hint });
    });
  });
  return svgDocument(
    width,
    Math.ceil(top + grid + MARGIN),
    'Test photos: truth (rows) and answer (columns)',
    [...headings, element('rect', { x: left, y: top, width: grid, height: grid, fill: shade(0) }), ...cells],
  );
};
