/** Pictures that code draws: they show none of the classes. */

import { type Random, uniform } from '../shared/random.ts';

/** Side of a drawing, in pixels. */
const SIDE = 448;

/** Draws one picture as SVG; the same source of numbers gives the same picture. */
export type Draw = (random: Random) => string;

const svg = (...content: readonly string[]): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${SIDE}" height="${SIDE}">${content.join('')}</svg>`;

const times = (count: number, draw: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => draw(index)).join('');

/** An integer of low, low + 1, ... high. */
const randomInt = (random: Random, low: number, high: number): number =>
  Math.floor(uniform(random, low, high + 1));

const sample = <T>(random: Random, choices: readonly [T, ...T[]]): T =>
  choices[Math.floor(random() * choices.length)] ?? choices[0];

/** Any hue; saturation and lightness in percent. */
const randomColor = (
  random: Random,
  [pale, strong]: readonly [number, number] = [20, 90],
  [dark, light]: readonly [number, number] = [15, 85],
): string =>
  `hsl(${randomInt(random, 0, 359)} ${uniform(random, pale, strong).toFixed(0)}% ${uniform(random, dark, light).toFixed(0)}%)`;

const background = (fill: string): string => `<rect width="100%" height="100%" fill="${fill}"/>`;

/** Perlin's noise as SVG defines it (feTurbulence), coloured by a random matrix. */
const turbulence = (random: Random, frequency: string, octaves: number): string => {
  const row = () => Array.from({ length: 3 }, () => uniform(random, -0.6, 1.4).toFixed(2)).join(' ');
  const rows = Array.from({ length: 3 }, () => `${row()} 0 ${uniform(random, -0.2, 0.2).toFixed(2)}`);
  return svg(
    `<filter id="noise" x="0" y="0" width="100%" height="100%">
      <feTurbulence type="fractalNoise" baseFrequency="${frequency}" numOctaves="${octaves}" seed="${randomInt(random, 1, 9999)}"/>
      <feColorMatrix values="${rows.join(' ')} 0 0 0 0 1"/>
    </filter>`,
    '<rect width="100%" height="100%" filter="url(#noise)"/>',
  );
};

const noise: Draw = (random) => turbulence(random, uniform(random, 0.15, 0.9).toFixed(3), 4);

export const clouds: Draw = (random) => turbulence(random, uniform(random, 0.004, 0.03).toFixed(4), 5);

/** Noise that is stretched along one direction. */
const wood: Draw = (random) =>
  turbulence(random, `${uniform(random, 0.004, 0.02).toFixed(4)} ${uniform(random, 0.1, 0.4).toFixed(3)}`, 3);

/** Rectangles in two colours over twice the picture, turned by any angle. */
const turned = (random: Random, rectangles: string): string =>
  svg(
    background(randomColor(random)),
    `<g fill="${randomColor(random)}" transform="rotate(${randomInt(random, 0, 179)} ${SIDE / 2} ${SIDE / 2})">${rectangles}</g>`,
  );

export const stripes: Draw = (random) => {
  const width = uniform(random, 6, 60);
  const bar = (index: number) =>
    `<rect x="${-SIDE / 2 + index * 2 * width}" y="${-SIDE / 2}" width="${width}" height="${2 * SIDE}"/>`;
  return turned(random, times(Math.ceil(SIDE / width), bar));
};

const checks: Draw = (random) => {
  const side = uniform(random, 12, 70);
  const count = Math.ceil((2 * SIDE) / side);
  const square = (index: number) => {
    const [row, column] = [Math.floor(index / count), index % count];
    if ((row + column) % 2 === 1) return '';
    return `<rect x="${-SIDE / 2 + column * side}" y="${-SIDE / 2 + row * side}" width="${side}" height="${side}"/>`;
  };
  return turned(random, times(count * count, square));
};

const plainColour: Draw = (random) => svg(background(randomColor(random, [0, 100], [0, 100])));

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
  'Settings and privacy',
  'const total = items.length',
  '안녕하세요 반갑습니다',
  'Your order has been shipped',
  'Page not found (404)',
] as const;

/** Words, and a bar under each line for systems without fonts. */
const lines = (random: Random, x: number, y: number, count: number, ink: string): string =>
  times(count, (index) => {
    const top = y + index * 24;
    return `<text x="${x}" y="${top}" font-family="sans-serif" font-size="15" fill="${ink}">${sample(random, WORDS)}</text>
      <rect x="${x}" y="${top + 5}" width="${uniform(random, 60, 220)}" height="2" fill="${ink}"/>`;
  });

/** A page of text, as photographed off a screen or scanned. */
const page: Draw = (random) =>
  svg(background(randomColor(random, [0, 10], [88, 100])), lines(random, 30, 40, 17, '#222'));

/** An application: a bar above, a menu beside, cards and buttons. */
const application: Draw = (random) => {
  const dark = random() < 0.4;
  const [paper, card, ink] = dark ? ['#16181d', '#262a33', '#e8e8ea'] : ['#f4f5f7', '#ffffff', '#24262b'];
  const accent = randomColor(random, [50, 90], [35, 60]);
  const cards = times(randomInt(random, 2, 4), (index) => {
    const y = 70 + index * 95;
    return `<rect x="140" y="${y}" width="290" height="80" rx="8" fill="${card}"/>
      ${lines(random, 155, y + 26, 2, ink)}<rect x="350" y="${y + 46}" width="66" height="24" rx="12" fill="${accent}"/>`;
  });
  return svg(
    background(paper),
    `<rect width="${SIDE}" height="48" fill="${accent}"/><rect y="48" width="120" height="${SIDE}" fill="${card}"/>`,
    lines(random, 12, 84, 8, ink),
    cards,
  );
};

/** A chat on a phone. */
const chat: Draw = (random) => {
  const accent = randomColor(random, [50, 90], [45, 65]);
  const bubbles = times(8, (index) => {
    const mine = random() < 0.5;
    const width = randomInt(random, 120, 270);
    const x = mine ? SIDE - width - 16 : 16;
    return `<rect x="${x}" y="${16 + index * 53}" width="${width}" height="42" rx="18" fill="${mine ? accent : '#e4e6eb'}"/>
      <text x="${x + 14}" y="${42 + index * 53}" font-family="sans-serif" font-size="14">${sample(random, WORDS)}</text>`;
  });
  return svg(background('#fff'), bubbles);
};

export const screenshot: Draw = (random) => sample(random, [page, application, chat])(random);

const axes = times(8, (index) => `<path d="M50 ${50 + index * 50}H420" stroke="#ddd"/>`);

const strong = (random: Random) => randomColor(random, [60, 90], [40, 60]);

const curves: Draw = (random) => {
  const line = () => {
    let y = uniform(random, 120, 320);
    const points = times(20, (index) => {
      y = Math.min(400, Math.max(50, y + uniform(random, -45, 45)));
      return `${50 + index * 19.5},${y.toFixed(0)} `;
    });
    return `<polyline points="${points}" fill="none" stroke="${strong(random)}" stroke-width="3"/>`;
  };
  return svg(background('#fff'), axes, times(randomInt(random, 1, 4), line));
};

const bars: Draw = (random) => {
  const fill = strong(random);
  const bar = (index: number) => {
    const height = uniform(random, 20, 340);
    return `<rect x="${60 + index * 45}" y="${400 - height}" width="30" height="${height}" fill="${fill}"/>`;
  };
  return svg(background('#fff'), axes, times(8, bar));
};

const pie: Draw = (random) => {
  const [centre, radius] = [SIDE / 2, 160];
  const at = (turn: number) =>
    `${(centre + radius * Math.cos(turn)).toFixed(1)} ${(centre + radius * Math.sin(turn)).toFixed(1)}`;
  const slices = randomInt(random, 3, 6);
  const slice = (index: number) =>
    `<path d="M${centre} ${centre}L${at((index * 2 * Math.PI) / slices)}A${radius} ${radius} 0 0 1 ${at(((index + 1) * 2 * Math.PI) / slices)}Z" fill="${strong(random)}"/>`;
  return svg(background('#fff'), times(slices, slice));
};

const chart: Draw = (random) => sample(random, [curves, bars, pie])(random);

const SKIN = ['#f6d7c3', '#e8b894', '#c98d63', '#95603c', '#5f3a22'] as const;
const HAIR = ['#201a17', '#4a2f1d', '#8a5a2b', '#d8b46a', '#9a9a9a', '#7a2f1f'] as const;

/** A person's head and shoulders, drawn. */
const face: Draw = (random) => {
  const [x, y] = [SIDE / 2 + uniform(random, -40, 40), 200 + uniform(random, -25, 25)];
  const [width, height] = [uniform(random, 85, 120), uniform(random, 115, 145)];
  const hair = sample(random, HAIR);
  const eye = (side: number) =>
    `<ellipse cx="${x + side * width * 0.42}" cy="${y - 10}" rx="17" ry="10" fill="#fff"/>
    <circle cx="${x + side * width * 0.42}" cy="${y - 10}" r="8" fill="${sample(random, HAIR)}"/>`;
  return svg(
    background(randomColor(random, [5, 45], [30, 85])),
    `<ellipse cx="${x}" cy="${y - 20}" rx="${width * 1.15}" ry="${height * 1.1}" fill="${hair}"/>`,
    `<ellipse cx="${x}" cy="${SIDE + 20}" rx="190" ry="110" fill="${randomColor(random)}"/>`,
    `<g fill="${sample(random, SKIN)}"><rect x="${x - 35}" y="${y + 60}" width="70" height="110"/>
      <ellipse cx="${x}" cy="${y}" rx="${width}" ry="${height}"/></g>`,
    times(2, (index) => eye(index * 2 - 1)),
    `<path d="M${x} ${y}l-9 38h18M${x - 32} ${y + 68}q32 ${uniform(random, -10, 40).toFixed(0)} 64 0" fill="none" stroke="#7a3b32" stroke-width="5"/>`,
  );
};

const sky = (random: Random) =>
  `${background(randomColor(random, [30, 70], [65, 90]))}<rect y="300" width="100%" height="148" fill="${randomColor(random, [10, 60], [25, 60])}"/>`;

const car: Draw = (random) =>
  svg(
    sky(random),
    `<g fill="${randomColor(random, [50, 90], [30, 60])}"><rect x="50" y="240" width="350" height="85" rx="25"/><path d="M110 245L160 170H290L340 245Z"/></g>`,
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
    `<rect x="110" y="190" width="230" height="190" fill="${randomColor(random, [10, 60], [55, 90])}"/>
    <path d="M85 195L225 80L365 195Z" fill="${randomColor(random, [30, 70], [25, 50])}"/>
    <rect x="200" y="280" width="55" height="100" fill="#543"/>`,
    times(
      2,
      (index) =>
        `<rect x="${130 + index * 140}" y="220" width="50" height="45" fill="#adf" stroke="#fff" stroke-width="5"/>`,
    ),
  );

const cup: Draw = (random) => {
  const glaze = randomColor(random, [20, 90], [35, 90]);
  return svg(
    background(randomColor(random, [5, 50], [30, 85])),
    `<ellipse cx="215" cy="370" rx="150" ry="32" fill="#0004"/>
    <path d="M310 200q95 0 85 75t-100 60" fill="none" stroke="${glaze}" stroke-width="24"/>
    <path d="M110 150H320L298 370H132Z" fill="${glaze}"/><ellipse cx="215" cy="150" rx="105" ry="26" fill="#3b2415"/>`,
  );
};

const leaf: Draw = (random) =>
  svg(
    background(randomColor(random, [5, 40], [60, 95])),
    `<g transform="rotate(${uniform(random, -60, 60).toFixed(0)} 224 224)">
      <path d="M224 40Q380 200 224 400Q68 200 224 40Z" fill="hsl(${uniform(random, 70, 150).toFixed(0)} 45% 35%)"/>
      <path d="M224 60V430${times(7, (index) => `M224 ${120 + index * 38}l${60 - index * 3} -35M224 ${120 + index * 38}l-${60 - index * 3} -35`)}" stroke="#fff6" stroke-width="4" fill="none"/>
    </g>`,
  );

const thing: Draw = (random) => sample(random, [car, house, cup, leaf])(random);

/** A flower as a child draws it: petals around a disc, on a stalk. It is none that the model was shown. */
const cartoonFlower: Draw = (random) => {
  const [x, y] = [uniform(random, 180, 268), uniform(random, 150, 210)];
  const petals = randomInt(random, 5, 9);
  const [length, width] = [uniform(random, 55, 85), uniform(random, 24, 42)];
  const fill = randomColor(random, [60, 95], [45, 75]);
  return svg(
    background(randomColor(random, [30, 80], [70, 95])),
    `<path d="M${x} ${y}Q${x + uniform(random, -40, 40)} 330 ${x} 448" stroke="#3c8f3c" stroke-width="12" fill="none"/>`,
    times(
      petals,
      (index) =>
        `<ellipse cx="${x}" cy="${y - length}" rx="${width}" ry="${length}" fill="${fill}" stroke="#333" stroke-width="4" transform="rotate(${(index * 360) / petals} ${x} ${y})"/>`,
    ),
    `<circle cx="${x}" cy="${y}" r="${uniform(random, 28, 46)}" fill="${randomColor(random, [60, 95], [40, 65])}" stroke="#333" stroke-width="4"/>`,
  );
};

/** A kind of picture that shows none of the classes. */
interface DrawnKind {
  readonly name: string;
  readonly draw: Draw;
}

/** Everything that is drawn by code, and what for. */
export const DRAWN_KINDS: readonly DrawnKind[] = [
  { name: 'noise', draw: noise },
  { name: 'clouds', draw: clouds },
  { name: 'wood', draw: wood },
  { name: 'stripes', draw: stripes },
  { name: 'checks', draw: checks },
  { name: 'plain colours', draw: plainColour },
  { name: 'gradients', draw: gradient },
  { name: 'screenshots', draw: screenshot },
  { name: 'charts', draw: chart },
  { name: 'drawn faces', draw: face },
  { name: 'drawn things', draw: thing },
  { name: 'cartoon flowers', draw: cartoonFlower },
];
