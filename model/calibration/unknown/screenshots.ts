import { type Random, uniform } from '../../random.ts';
import { colour, type Draw, ground, pick, SIDE, svg, times, whole } from './canvas.ts';

const WORDS = [
  'The quick brown fox',
  'Invoice 2047, due on Monday',
  'Settings and privacy',
  'const total = items.length',
  '안녕하세요 반갑습니다',
  'Your order has been shipped',
  'Page not found (404)',
] as const;

/** Words, and a bar under each line for machines without fonts. */
const lines = (random: Random, x: number, y: number, count: number, ink: string): string =>
  times(count, (index) => {
    const top = y + index * 24;
    return `<text x="${x}" y="${top}" font-family="sans-serif" font-size="15" fill="${ink}">${pick(random, WORDS)}</text>
      <rect x="${x}" y="${top + 5}" width="${uniform(random, 60, 220)}" height="2" fill="${ink}"/>`;
  });

/** A page of text, as photographed off a screen or scanned. */
const page: Draw = (random) =>
  svg(ground(colour(random, [0, 10], [88, 100])), lines(random, 30, 40, 17, '#222'));

/** An application: a bar above, a menu beside, cards and buttons. */
const application: Draw = (random) => {
  const dark = random() < 0.4;
  const [paper, card, ink] = dark ? ['#16181d', '#262a33', '#e8e8ea'] : ['#f4f5f7', '#ffffff', '#24262b'];
  const accent = colour(random, [50, 90], [35, 60]);
  const cards = times(whole(random, 2, 4), (index) => {
    const y = 70 + index * 95;
    return `<rect x="140" y="${y}" width="290" height="80" rx="8" fill="${card}"/>
      ${lines(random, 155, y + 26, 2, ink)}<rect x="350" y="${y + 46}" width="66" height="24" rx="12" fill="${accent}"/>`;
  });
  return svg(
    ground(paper),
    `<rect width="${SIDE}" height="48" fill="${accent}"/><rect y="48" width="120" height="${SIDE}" fill="${card}"/>`,
    lines(random, 12, 84, 8, ink),
    cards,
  );
};

/** A chat on a phone. */
const chat: Draw = (random) => {
  const accent = colour(random, [50, 90], [45, 65]);
  const bubbles = times(8, (index) => {
    const mine = random() < 0.5;
    const width = whole(random, 120, 270);
    const x = mine ? SIDE - width - 16 : 16;
    return `<rect x="${x}" y="${16 + index * 53}" width="${width}" height="42" rx="18" fill="${mine ? accent : '#e4e6eb'}"/>
      <text x="${x + 14}" y="${42 + index * 53}" font-family="sans-serif" font-size="14">${pick(random, WORDS)}</text>`;
  });
  return svg(ground('#fff'), bubbles);
};

export const screenshot: Draw = (random) => pick(random, [page, application, chat])(random);
