import type { Sharp } from 'sharp';
import sharp from 'sharp';

/** The parts of SVG that the report's pictures need. */

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

export const tooltip = (text: string): string => element('title', {}, escapeMarkup(text));

/** A picture with a white background, so that it is readable on dark pages too. */
export const svgDocument = (
  width: number,
  height: number,
  title: string,
  content: readonly string[],
): string =>
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

// With VIPS_BLOCK_UNTRUSTED libvips refuses SVG, but our own drawings can be trusted; photos never reach sharp before
// their format has been detected from their first bytes.
sharp.unblock({ operation: ['VipsForeignLoadSvgBuffer'] });

/** Rasterizes one of our own SVGs. */
export const rasterize = (svg: string): Sharp => sharp(Buffer.from(svg));
