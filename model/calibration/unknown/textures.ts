import { type Random, uniform } from '../../random.ts';
import { colour, type Draw, ground, SIDE, svg, times, whole } from './canvas.ts';

/** Perlin's noise as SVG defines it (feTurbulence), coloured by a random matrix. */
const turbulence = (random: Random, frequency: string, octaves: number): string => {
  const row = () => Array.from({ length: 3 }, () => uniform(random, -0.6, 1.4).toFixed(2)).join(' ');
  const rows = Array.from({ length: 3 }, () => `${row()} 0 ${uniform(random, -0.2, 0.2).toFixed(2)}`);
  return svg(
    `<filter id="noise" x="0" y="0" width="100%" height="100%">
      <feTurbulence type="fractalNoise" baseFrequency="${frequency}" numOctaves="${octaves}" seed="${whole(random, 1, 9999)}"/>
      <feColorMatrix values="${rows.join(' ')} 0 0 0 0 1"/>
    </filter>`,
    '<rect width="100%" height="100%" filter="url(#noise)"/>',
  );
};

export const noise: Draw = (random) => turbulence(random, uniform(random, 0.15, 0.9).toFixed(3), 4);

export const clouds: Draw = (random) => turbulence(random, uniform(random, 0.004, 0.03).toFixed(4), 5);

/** Noise that is stretched along one direction. */
export const wood: Draw = (random) =>
  turbulence(random, `${uniform(random, 0.004, 0.02).toFixed(4)} ${uniform(random, 0.1, 0.4).toFixed(3)}`, 3);

/** Rectangles in two colours over twice the picture, turned by any angle. */
const turned = (random: Random, rectangles: string): string =>
  svg(
    ground(colour(random)),
    `<g fill="${colour(random)}" transform="rotate(${whole(random, 0, 179)} ${SIDE / 2} ${SIDE / 2})">${rectangles}</g>`,
  );

export const stripes: Draw = (random) => {
  const width = uniform(random, 6, 60);
  const bar = (index: number) =>
    `<rect x="${-SIDE / 2 + index * 2 * width}" y="${-SIDE / 2}" width="${width}" height="${2 * SIDE}"/>`;
  return turned(random, times(Math.ceil(SIDE / width), bar));
};

export const checks: Draw = (random) => {
  const side = uniform(random, 12, 70);
  const count = Math.ceil((2 * SIDE) / side);
  const square = (index: number) => {
    const [row, column] = [Math.floor(index / count), index % count];
    if ((row + column) % 2 === 1) return '';
    return `<rect x="${-SIDE / 2 + column * side}" y="${-SIDE / 2 + row * side}" width="${side}" height="${side}"/>`;
  };
  return turned(random, times(count * count, square));
};
