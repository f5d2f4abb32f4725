import { type Random, uniform } from '../../random.ts';
import { colour, type Draw, ground, pick, SIDE, svg, times, whole } from './canvas.ts';

const axes = times(8, (index) => `<path d="M50 ${50 + index * 50}H420" stroke="#ddd"/>`);

const strong = (random: Random) => colour(random, [60, 90], [40, 60]);

const curves: Draw = (random) => {
  const line = () => {
    let y = uniform(random, 120, 320);
    const points = times(20, (index) => {
      y = Math.min(400, Math.max(50, y + uniform(random, -45, 45)));
      return `${50 + index * 19.5},${y.toFixed(0)} `;
    });
    return `<polyline points="${points}" fill="none" stroke="${strong(random)}" stroke-width="3"/>`;
  };
  return svg(ground('#fff'), axes, times(whole(random, 1, 4), line));
};

const bars: Draw = (random) => {
  const fill = strong(random);
  const bar = (index: number) => {
    const height = uniform(random, 20, 340);
    return `<rect x="${60 + index * 45}" y="${400 - height}" width="30" height="${height}" fill="${fill}"/>`;
  };
  return svg(ground('#fff'), axes, times(8, bar));
};

const pie: Draw = (random) => {
  const [centre, radius] = [SIDE / 2, 160];
  const at = (turn: number) =>
    `${(centre + radius * Math.cos(turn)).toFixed(1)} ${(centre + radius * Math.sin(turn)).toFixed(1)}`;
  const slices = whole(random, 3, 6);
  const slice = (index: number) =>
    `<path d="M${centre} ${centre}L${at((index * 2 * Math.PI) / slices)}A${radius} ${radius} 0 0 1 ${at(((index + 1) * 2 * Math.PI) / slices)}Z" fill="${strong(random)}"/>`;
  return svg(ground('#fff'), times(slices, slice));
};

export const chart: Draw = (random) => pick(random, [curves, bars, pie])(random);
