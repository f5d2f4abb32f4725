import { type Random, uniform } from '../../random.ts';
import { colour, type Draw, ground, pick, svg, times } from './canvas.ts';

const sky = (random: Random) =>
  `${ground(colour(random, [30, 70], [65, 90]))}<rect y="300" width="100%" height="148" fill="${colour(random, [10, 60], [25, 60])}"/>`;

const car: Draw = (random) =>
  svg(
    sky(random),
    `<g fill="${colour(random, [50, 90], [30, 60])}"><rect x="50" y="240" width="350" height="85" rx="25"/><path d="M110 245L160 170H290L340 245Z"/></g>`,
    '<path d="M135 240L168 185H220V240ZM230 240V185H282L312 240Z" fill="#bcd"/>',
    times(
      2,
      (index) =>
        `<circle cx="${130 + index * 190}" cy="325" r="42" fill="#222"/><circle cx="${130 + index * 190}" cy="325" r="18" fill="#bbb"/>`,
    ),
  );

const house: Draw = (random) =>
  svg(
    sky(random),
    `<rect x="110" y="190" width="230" height="190" fill="${colour(random, [10, 60], [55, 90])}"/>
    <path d="M85 195L225 80L365 195Z" fill="${colour(random, [30, 70], [25, 50])}"/>
    <rect x="200" y="280" width="55" height="100" fill="#543"/>`,
    times(
      2,
      (index) =>
        `<rect x="${130 + index * 140}" y="220" width="50" height="45" fill="#adf" stroke="#fff" stroke-width="5"/>`,
    ),
  );

const cup: Draw = (random) => {
  const glaze = colour(random, [20, 90], [35, 90]);
  return svg(
    ground(colour(random, [5, 50], [30, 85])),
    `<ellipse cx="215" cy="370" rx="150" ry="32" fill="#0004"/>
    <path d="M310 200q95 0 85 75t-100 60" fill="none" stroke="${glaze}" stroke-width="24"/>
    <path d="M110 150H320L298 370H132Z" fill="${glaze}"/><ellipse cx="215" cy="150" rx="105" ry="26" fill="#3b2415"/>`,
  );
};

const leaf: Draw = (random) =>
  svg(
    ground(colour(random, [5, 40], [60, 95])),
    `<g transform="rotate(${uniform(random, -60, 60).toFixed(0)} 224 224)">
      <path d="M224 40Q380 200 224 400Q68 200 224 40Z" fill="hsl(${uniform(random, 70, 150).toFixed(0)} 45% 35%)"/>
      <path d="M224 60V430${times(7, (index) => `M224 ${120 + index * 38}l${60 - index * 3} -35M224 ${120 + index * 38}l-${60 - index * 3} -35`)}" stroke="#fff6" stroke-width="4" fill="none"/>
    </g>`,
  );

export const thing: Draw = (random) => pick(random, [car, house, cup, leaf])(random);
