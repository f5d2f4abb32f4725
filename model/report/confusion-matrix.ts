import { element, label, picture } from './svg.ts';
import { shortened, widthOf } from './text-width.ts';

const CELL = 110;
const LEFT = 170;
const TOP = 80;
const FONT_SIZE = 13;
/** Letters of a name that fit over a cell, and beside one. */
const OVER = 14;
const BESIDE = 21;

/** A name over a column: a long one is smaller, and a very long one cut. */
const columnName = (x: number, name: string): string => {
  const text = shortened(name, OVER + 4);
  const size = FONT_SIZE * Math.min(1, OVER / widthOf(text));
  return label(x, TOP - 14, text, { 'font-size': size.toFixed(1) });
};

/** The darker a cell, the larger its share of the photos of its true class. */
const colour = (share: number) => `hsl(262 60% ${96 - 56 * share}%)`;

/**
 * A confusion matrix as SVG: rows are the truth, columns the answers.
 *
 * @param confusion `confusion[truth][answer]`, counts
 */
export const confusionMatrix = (
  labels: readonly string[],
  confusion: readonly (readonly number[])[],
): string => {
  const size = labels.length * CELL;
  const cells = confusion.flatMap((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return row.map((count, answer) => {
      const share = total === 0 ? 0 : count / total;
      const [x, y] = [LEFT + answer * CELL, TOP + truth * CELL];
      const fill = share > 0.5 ? '#fff' : '#222';
      return [
        element('rect', { x, y, width: CELL - 3, height: CELL - 3, rx: 6, fill: colour(share) }),
        label(x + CELL / 2, y + CELL / 2 - 9, String(count), { fill, 'font-size': 20 }),
        label(x + CELL / 2, y + CELL / 2 + 15, `${(share * 100).toFixed(1)} %`, { fill, 'font-size': 11 }),
      ].join('\n');
    });
  });
  const names = labels.flatMap((name, index) => [
    columnName(LEFT + (index + 0.5) * CELL, name),
    label(LEFT - 12, TOP + (index + 0.5) * CELL, shortened(name, BESIDE), { 'text-anchor': 'end' }),
  ]);
  const title = 'Test photos: truth (rows) and answer (columns)';
  return picture(LEFT + size + 40, TOP + size + 24, title, [...names, ...cells]);
};
