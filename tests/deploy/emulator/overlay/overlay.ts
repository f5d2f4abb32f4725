import { z } from 'zod';
import { type AwsError, type Handler, operation } from '../../../../scripts/aws-double/protocol.ts';

/** Moto's account. */
export const ACCOUNT = '123456789012';

/** What a handler may use besides the input of its call. */
export interface MotoCall {
  /** Region of the request's signature. */
  readonly region: string;
  /**
   * Calls an operation of the service in moto.
   *
   * @throws AwsError if moto refuses
   */
  readonly send: (operation: string, input: unknown) => Promise<unknown>;
}

export type MotoHandler = Handler<MotoCall>;

/** The operations of a service that moto lacks or gets wrong. All others are passed to moto. */
export interface Overlay {
  /** The part before the dot in `x-amz-target`. */
  readonly service: string;
  readonly operations: Readonly<Record<string, MotoHandler>>;
}

/** Any JSON object: a part of a request that the overlay stores and returns unchanged. */
export const anything = z.record(z.string(), z.unknown());
export type Anything = z.infer<typeof anything>;

/** Converts moto's ISO 8601 times, which AWS's SDKs refuse. */
export const time = z.union([z.number(), z.iso.datetime().transform((text) => Date.parse(text) / 1000)]);

/** Tags in the format of most services. */
export const tagList = z.array(z.object({ Key: z.string(), Value: z.string() }));
type TagList = z.infer<typeof tagList>;

export const tagMap = z.record(z.string(), z.string());
type TagMap = z.infer<typeof tagMap>;

export const toMap = (tags: TagList): TagMap =>
  Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]));

export const toList = (tags: TagMap): TagList => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

/** Tags in the format of any service. */
export const writtenTags = z.union([tagList.transform(toMap), tagMap]);

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

interface TagFields {
  /** Name of the field with the resource's ARN. */
  readonly arn: string;
  readonly tags: string;
  readonly keys: string;
  /** Whether the service writes them as an object, not as a list. @default false */
  readonly asMap?: boolean;
  readonly notFound: (arn: string) => AwsError;
}

/** The three operations on tags that most services have, with the service's field names. */
export const tagOperations = (tags: Tags, fields: TagFields) => {
  const write = (map: TagMap) => (fields.asMap ? map : toList(map));
  const existing = (input: Record<string, unknown>): string => {
    const arn = String(input[fields.arn]);
    if (!tags.of(arn)) throw fields.notFound(arn);
    return arn;
  };
  return {
    ListTagsForResource: operation(anything, (input) => ({
      [fields.tags]: write(tags.of(existing(input)) ?? {}),
    })),
    TagResource: operation(anything, (input) => {
      tags.add(existing(input), writtenTags.parse(input[fields.tags]));
      return {};
    }),
    UntagResource: operation(anything, (input) => {
      tags.remove(existing(input), z.array(z.string()).parse(input[fields.keys]));
      return {};
    }),
  } satisfies Record<string, MotoHandler>;
};
