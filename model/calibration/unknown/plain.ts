import { colour, type Draw, ground, svg, whole } from './canvas.ts';

export const plainColour: Draw = (random) => svg(ground(colour(random, [0, 100], [0, 100])));

export const gradient: Draw = (random) =>
  svg(
    `<linearGradient id="fade" gradientTransform="rotate(${whole(random, 0, 90)})">
      <stop offset="0" stop-color="${colour(random)}"/><stop offset="1" stop-color="${colour(random)}"/>
    </linearGradient>`,
    ground('url(#fade)'),
  );
