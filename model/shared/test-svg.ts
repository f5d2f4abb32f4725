import assert from 'node:assert/strict';

/** Fails unless every element is closed in its place, and no markup is left within texts and attributes. */
export const assertWellFormed = (svg: string): void => {
  const open: string[] = [];
  const rest = svg.replace(
    /<(\/?)([a-z]+)((?: [a-z0-9-]+="[^"<]*")*)>|&#\d+;/gi,
    (_, closing?: string, name?: string) => {
      if (name === undefined) return '';
      if (closing === '') open.push(name);
      else assert.equal(open.pop(), name);
      return '';
    },
  );
  assert.deepEqual(open, [], 'every element is closed');
  assert.doesNotMatch(rest, /[<>&]/);
  assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
};

/** Width and height of a picture, in pixels. */
export const sizeOf = (svg: string): [width: number, height: number] => {
  const [, width, height] = /<svg[^>]* width="(\d+)" height="(\d+)"/.exec(svg) ?? [];
  return [Number(width), Number(height)];
};

/** Every text of a picture, still escaped. */
export const textsOf = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text = '']) => text);

/** The heights of the points of every curve. */
export const pointsOf = (svg: string): number[][] =>
  [...svg.matchAll(/points="([^"]*)"/g)].map(([, list = '']) =>
    list.split(' ').map((point) => Number(point.split(',')[1])),
  );

/** A text in coordinates along its line (`from`, `to`) and across (`above`, `below`). */
interface Line {
  readonly text: string;
  readonly turned: number;
  readonly from: number;
  readonly to: number;
  readonly above: number;
  readonly below: number;
}

/** Width of most letters, in font sizes. */
const LETTER = 0.65;
const ANCHORS: Readonly<Record<string, number>> = { start: 0, middle: 0.5, end: 1 };
const radians = (degrees: number) => (degrees * Math.PI) / 180;

const linesOf = (svg: string): Line[] =>
  [...svg.matchAll(/<text([^>]*)>([^<]*)</g)].map(([, attributes = '', escaped = '']) => {
    const attribute = (name: string) => new RegExp(` ${name}="([^"]*)"`).exec(attributes)?.[1];
    const text = escaped.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
    const turned = Number(/rotate\((-?\d+)/.exec(attributes)?.[1] ?? 0);
    const [x, y, size] = [attribute('x'), attribute('y'), attribute('font-size') ?? 13].map(Number);
    assert.ok(x !== undefined && y !== undefined && size !== undefined);
    const [cos, sin] = [Math.cos(radians(turned)), Math.sin(radians(turned))];
    const width = text.length * LETTER * size;
    const from = x * cos + y * sin - width * (ANCHORS[attribute('text-anchor') ?? 'middle'] ?? 0);
    const across = y * cos - x * sin;
    return { text, turned, from, to: from + width, above: across - size / 2, below: across + size / 2 };
  });

const cornersOf = ({ turned, from, to, above, below }: Line): [x: number, y: number][] => {
  const [cos, sin] = [Math.cos(radians(turned)), Math.sin(radians(turned))];
  return [from, to].flatMap((along) =>
    [above, below].map((across): [number, number] => [
      along * cos - across * sin,
      along * sin + across * cos,
    ]),
  );
};

const overlap = (a: Line, b: Line): boolean =>
  a.turned === b.turned && a.from < b.to && b.from < a.to && a.above < b.below && b.above < a.below;

/** Fails when a text is cut off at the edge of the picture, or lies on another of the same direction. */
export const assertLegible = (svg: string): void => {
  const [width, height] = sizeOf(svg);
  const lines = linesOf(svg);
  lines.forEach((line, index) => {
    for (const [x, y] of cornersOf(line)) {
      assert.ok(x >= 0 && x <= width && y >= 0 && y <= height, `${line.text} is cut off`);
    }
    const other = lines.slice(index + 1).find((each) => overlap(line, each));
    assert.equal(other?.text, undefined, `${line.text} lies on another text`);
  });
};
