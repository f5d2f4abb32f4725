/** Generated pictures that show none of the classes. */

import { type Random, uniform } from '../shared/random.ts';

/** Side of a drawing, in pixels. */
const SIDE = 448;

/** Draws a picture as SVG; the same random numbers give the same picture. */
export type Draw = (random: Random) => string;

const svg = (...content: readonly string[]): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${SIDE}" height="${SIDE}">${content.join('')}</svg>`;

const times = (count: number, draw: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => draw(index)).join('');

const randomInt = (random: Random, low: number, high: number): number =>
  Math.floor(uniform(random, low, high + 1));

const randomColor = (random: Random): string =>
  `hsl(${randomInt(random, 0, 359)} ${randomInt(random, 20, 90)}% ${randomInt(random, 15, 85)}%)`;

const background = (fill: string): string => `<rect width="100%" height="100%" fill="${fill}"/>`;

/** Perlin's noise as SVG defines it (feTurbulence), coloured by a random matrix. */
export const clouds: Draw = (random) => {
  const row = () => Array.from({ length: 3 }, () => uniform(random, -0.6, 1.4).toFixed(2)).join(' ');
  const rows = Array.from({ length: 3 }, () => `${row()} 0 ${uniform(random, -0.2, 0.2).toFixed(2)}`);
  return svg(
    `<filter id="noise" x="0" y="0" width="100%" height="100%">
      <feTurbulence type="fractalNoise" baseFrequency="${uniform(random, 0.004, 0.3).toFixed(4)}" numOctaves="5" seed="${randomInt(random, 1, 9999)}"/>
      <feColorMatrix values="${rows.join(' ')} 0 0 0 0 1"/>
    </filter>`,
    '<rect width="100%" height="100%" filter="url(#noise)"/>',
  );
};

/** Bars across twice the picture's size, rotated by any angle. */
export const stripes: Draw = (random) => {
  const width = uniform(random, 6, 60);
  const bar = (index: number) =>
    `<rect x="${-SIDE / 2 + index * 2 * width}" y="${-SIDE / 2}" width="${width}" height="${2 * SIDE}"/>`;
  return svg(
    background(randomColor(random)),
    `<g fill="${randomColor(random)}" transform="rotate(${randomInt(random, 0, 179)} ${SIDE / 2} ${SIDE / 2})">${times(Math.ceil(SIDE / width), bar)}</g>`,
  );
};

const gradient: Draw = (random) =>
  svg(
    `<linearGradient id="fade" gradientTransform="rotate(${randomInt(random, 0, 90)})">
      <stop offset="0" stop-color="${randomColor(random)}"/><stop offset="1" stop-color="${randomColor(random)}"/>
    </linearGradient>`,
    background('url(#fade)'),
  );

const WORDS = [
  'The quick brown fox',
  'Invoice 2047, due on Monday',
  '안녕하세요 반갑습니다',
  'Page not found',
];

/** A page of text below a bar. Lines are underlined, for systems without fonts. */
export const screenshot: Draw = (random) => {
  const line = (index: number) => {
    const top = 84 + index * 24;
    return `<text x="30" y="${top}" font-family="sans-serif" font-size="15">${WORDS[randomInt(random, 0, 3)]}</text>
      <rect x="30" y="${top + 5}" width="${uniform(random, 60, 220)}" height="2"/>`;
  };
  return svg(
    background('#f4f5f7'),
    `<rect width="100%" height="48" fill="${randomColor(random)}"/>${times(15, line)}`,
  );
};

/** All kinds of drawings. */
export const DRAWN_KINDS: readonly { readonly name: string; readonly draw: Draw }[] = [
  { name: 'clouds', draw: clouds },
  { name: 'stripes', draw: stripes },
  { name: 'gradients', draw: gradient },
  { name: 'screenshots', draw: screenshot },
];
