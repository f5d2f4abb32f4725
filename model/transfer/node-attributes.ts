import { z } from 'zod';
import { type Attribute, attribute, ExportError } from '../savedmodel/graph.ts';
import type { GraphDefNode } from './graph-def.ts';

const spans = z.tuple([z.literal(1), z.int().positive(), z.int().positive(), z.literal(1)]);
const padding = z.enum(['SAME', 'VALID']);

/** Reads a node's attributes, each as what it must be; absent ones have TensorFlow's defaults. */
export class NodeAttributes {
  readonly #node: GraphDefNode;

  constructor(node: GraphDefNode) {
    this.#node = node;
  }

  #read<T>(name: string, schema: z.ZodType<T>, value: unknown): T {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new ExportError(
      this.#node.name,
      `its attribute ${name} (${JSON.stringify(value)}) is not supported.`,
    );
  }

  #text(name: string): string | undefined {
    const encoded = this.#node.attr[name]?.s;
    return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
  }

  /** Texts of a list. */
  texts(name: string): string[] {
    return (this.#node.attr[name]?.list?.s ?? []).map((text) => Buffer.from(text, 'base64').toString('utf8'));
  }

  boolean(name: string): boolean {
    return this.#node.attr[name]?.b ?? false;
  }

  integers(name: string): number[] {
    return this.#node.attr[name]?.list?.i ?? [];
  }

  float(name: string): number | undefined {
    return this.#node.attr[name]?.f;
  }

  /** A window such as `[1, height, width, 1]`. */
  window(name: string): readonly [height: number, width: number] {
    const { [name]: value } = this.#node.attr;
    const [, height, width] = this.#read(name, spans, value?.list?.i ?? [1, 1, 1, 1]);
    return [height, width];
  }

  /** What convolutions and poolings share: strides, padding, and channels last. */
  spatial(): Record<'strides' | 'padding' | 'data_format', Attribute> {
    this.#read('data_format', z.literal('NHWC'), this.#text('data_format') ?? 'NHWC');
    const [height, width] = this.window('strides');
    return {
      strides: attribute.integers([1, height, width, 1]),
      padding: attribute.text(this.#read('padding', padding, this.#text('padding'))),
      data_format: attribute.text('NHWC'),
    };
  }
}
