import { type Random, uniform } from '../../random.ts';

/** The little that the drawn pictures share. */

/** Side of a drawing, in pixels. */
export const SIDE = 448;

/** Draws one picture as SVG; the same source of numbers gives the same picture. */
export type Draw = (random: Random) => string;

export const svg = (...content: readonly string[]): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${SIDE}" height="${SIDE}">${content.join('')}</svg>`;

export const times = (count: number, draw: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => draw(index)).join('');

/** An integer of low, low + 1, ... high. */
export const whole = (random: Random, low: number, high: number): number =>
  Math.floor(uniform(random, low, high + 1));

export const pick = <T>(random: Random, choices: readonly [T, ...T[]]): T =>
  choices[Math.floor(random() * choices.length)] ?? choices[0];

/** Any hue; saturation and lightness in percent. */
export const colour = (
  random: Random,
  [pale, strong]: readonly [number, number] = [20, 90],
  [dark, light]: readonly [number, number] = [15, 85],
): string =>
  `hsl(${whole(random, 0, 359)} ${uniform(random, pale, strong).toFixed(0)}% ${uniform(random, dark, light).toFixed(0)}%)`;

export const ground = (fill: string): string => `<rect width="100%" height="100%" fill="${fill}"/>`;
