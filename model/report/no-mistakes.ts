import { element, label, picture } from './svg.ts';

const [WIDTH, HEIGHT] = [360, 200];
const PETALS = [0, 72, 144, 216, 288];
const [X, Y] = [WIDTH / 2, 100];
const FACE = '#4a3410';

/** A flower that smiles: what a contact sheet of no mistakes shows. */
export const noMistakes = (): string =>
  picture(WIDTH, HEIGHT, 'No mistakes', [
    ...PETALS.map((angle) =>
      element('ellipse', {
        ...{ cx: X, cy: Y - 28, rx: 19, ry: 26, fill: '#c4b5fd' },
        transform: `rotate(${angle} ${X} ${Y})`,
      }),
    ),
    element('circle', { cx: X, cy: Y, r: 22, fill: '#fcd34d' }),
    ...[X - 7, X + 7].map((cx) => element('circle', { cx, cy: Y - 4, r: 2.5, fill: FACE })),
    element('path', {
      ...{ d: `M${X - 9} ${Y + 5} q9 9 18 0`, fill: 'none', stroke: FACE },
      ...{ 'stroke-width': 2.5, 'stroke-linecap': 'round' },
    }),
    label(X, HEIGHT - 24, 'Every test photo was named rightly.', { fill: '#555' }),
  ]);
