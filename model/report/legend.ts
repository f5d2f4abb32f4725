import { element, label } from './svg.ts';

/** An entry of a legend: a dash in a curve's colour, and its name. */
export const legendEntry = (x: number, y: number, colour: string, name: string): string[] => [
  element('rect', { x, y: y - 2, width: 14, height: 4, fill: colour }),
  label(x + 20, y, name, { 'text-anchor': 'start', 'font-size': 12 }),
];
