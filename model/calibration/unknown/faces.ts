import { uniform } from '../../random.ts';
import { colour, type Draw, ground, pick, SIDE, svg, times } from './canvas.ts';

const SKIN = ['#f6d7c3', '#e8b894', '#c98d63', '#95603c', '#5f3a22'] as const;
const HAIR = ['#201a17', '#4a2f1d', '#8a5a2b', '#d8b46a', '#9a9a9a', '#7a2f1f'] as const;

/** A person's head and shoulders, drawn. */
export const face: Draw = (random) => {
  const [x, y] = [SIDE / 2 + uniform(random, -40, 40), 200 + uniform(random, -25, 25)];
  const [width, height] = [uniform(random, 85, 120), uniform(random, 115, 145)];
  const hair = pick(random, HAIR);
  const eye = (side: number) =>
    `<ellipse cx="${x + side * width * 0.42}" cy="${y - 10}" rx="17" ry="10" fill="#fff"/>
    <circle cx="${x + side * width * 0.42}" cy="${y - 10}" r="8" fill="${pick(random, HAIR)}"/>`;
  return svg(
    ground(colour(random, [5, 45], [30, 85])),
    `<ellipse cx="${x}" cy="${y - 20}" rx="${width * 1.15}" ry="${height * 1.1}" fill="${hair}"/>`,
    `<ellipse cx="${x}" cy="${SIDE + 20}" rx="190" ry="110" fill="${colour(random)}"/>`,
    `<g fill="${pick(random, SKIN)}"><rect x="${x - 35}" y="${y + 60}" width="70" height="110"/>
      <ellipse cx="${x}" cy="${y}" rx="${width}" ry="${height}"/></g>`,
    times(2, (index) => eye(index * 2 - 1)),
    `<path d="M${x} ${y}l-9 38h18M${x - 32} ${y + 68}q32 ${uniform(random, -10, 40).toFixed(0)} 64 0" fill="none" stroke="#7a3b32" stroke-width="5"/>`,
  );
};
