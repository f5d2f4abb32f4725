import { emptyCells, matrixCell } from './matrix-cell.ts';
import { matrixNames } from './matrix-names.ts';
import { picture } from './svg.ts';

/** Of few classes the cells have a size, of many the grid. */
const [LARGEST_CELL, LARGEST_GRID] = [120, 960];
const HEADING = 44;
const MARGIN = 20;
const ROOM_FOR_TITLE = 460;

/**
 * A confusion matrix as SVG: rows are the truth, columns the answers.
 *
 * @param confusion `confusion[truth][answer]`, counts
 */
export const confusionMatrix = (
  labels: readonly string[],
  confusion: readonly (readonly number[])[],
): string => {
  const side = Math.min(LARGEST_CELL, LARGEST_GRID / labels.length);
  const grid = side * labels.length;
  const names = matrixNames(labels, side);
  const needed = MARGIN + names.beside + grid + Math.max(MARGIN, names.beyond);
  const width = Math.ceil(Math.max(ROOM_FOR_TITLE, needed));
  const left = MARGIN + names.beside + (width - needed) / 2;
  const top = HEADING + names.above;
  const cells = confusion.flatMap((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return row.flatMap((count, answer) => {
      const hint = `${labels[truth]} named ${labels[answer]}: ${count} of ${total}`;
      return matrixCell({ x: left + answer * side, y: top + truth * side, side, count, total, hint });
    });
  });
  return picture(width, Math.ceil(top + grid + MARGIN), 'Test photos: truth (rows) and answer (columns)', [
    ...names.draw(left, top),
    ...emptyCells(left, top, side, labels.length),
    ...cells,
  ]);
};
