import { z } from 'zod';

/** Tags as most services write them. */
export const tagList = z.array(z.object({ Key: z.string(), Value: z.string() }));
export type TagList = z.infer<typeof tagList>;

export const tagMap = z.record(z.string(), z.string());
export type TagMap = z.infer<typeof tagMap>;

export const toMap = (tags: TagList): TagMap =>
  Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]));

export const toList = (tags: TagMap): TagList => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

/** The tags of resources by ARN. */
export class Tags {
  readonly #tags = new Map<string, TagMap>();

  of(arn: string): TagMap | undefined {
    return this.#tags.get(arn);
  }

  add(arn: string, tags: TagMap): void {
    this.#tags.set(arn, { ...this.of(arn), ...tags });
  }

  remove(arn: string, keys: readonly string[]): void {
    const kept = Object.entries(this.of(arn) ?? {}).filter(([key]) => !keys.includes(key));
    this.#tags.set(arn, Object.fromEntries(kept));
  }

  forget(arn: string): void {
    this.#tags.delete(arn);
  }
}
