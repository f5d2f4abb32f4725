import type { Sharp } from 'sharp';
import sharp from 'sharp';

/** The little that the report's pictures need of SVG. */

const escapeMarkup = (text: string) =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

type Attributes = Readonly<Record<string, string | number>>;

/** More digits would be smaller than what is seen of a pixel. */
const written = (value: string | number) =>
  String(typeof value === 'number' ? Number(value.toFixed(2)) : value);

/** An element; `content` must be markup already. */
export const element = (name: string, attributes: Attributes, content = ''): string => {
  const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeMarkup(written(value))}"`);
  return `<${name}${list.join('')}>${content}</${name}>`;
};

export const label = (x: number, y: number, text: string, attributes: Attributes = {}): string =>
  element(
    'text',
    { x, y, 'text-anchor': 'middle', 'dominant-baseline': 'middle', ...attributes },
    escapeMarkup(text),
  );

/** What an element, or the whole picture, is called when it is pointed at. */
export const tooltip = (text: string): string => element('title', {}, escapeMarkup(text));

/** A whole picture on white, so that it reads in dark pages too. */
export const picture = (width: number, height: number, title: string, content: readonly string[]): string =>
  element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: 'img',
      'font-family': 'system-ui, sans-serif',
      'font-size': 13,
    },
    [
      tooltip(title),
      element('rect', { width, height, fill: '#fff' }),
      label(width / 2, 22, title, { 'font-size': 15, 'font-weight': 600 }),
      ...content,
      '',
    ].join('\n'),
  );

// Where libvips must refuse everything but photos (VIPS_BLOCK_UNTRUSTED), our own drawings are still to be trusted;
// photos are recognized by their first bytes before sharp sees them.
sharp.unblock({ operation: ['VipsForeignLoadSvgBuffer'] });

/** An SVG of our own, to be turned into pixels. */
export const rasterize = (svg: string): Sharp => sharp(Buffer.from(svg));
