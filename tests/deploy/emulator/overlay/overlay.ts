import { z } from 'zod';
import type { Handler } from '../../../../scripts/aws-double/protocol.ts';

/** The account that moto acts for. */
export const ACCOUNT = '123456789012';

/** What a handler may use beside the input of the call that it answers. */
export interface MotoCall {
  /** Region of the request's signature. */
  readonly region: string;
  /**
   * Calls another (or the same) operation of the service, on moto itself.
   *
   * @throws AwsError when moto refuses
   */
  readonly send: (operation: string, input: unknown) => Promise<unknown>;
}

export type MotoHandler = Handler<MotoCall>;

/** The operations of one service that moto lacks or gets wrong. All others go to moto as they are. */
export interface Overlay {
  /** What stands before the dot in `x-amz-target`. */
  readonly service: string;
  readonly operations: Readonly<Record<string, MotoHandler>>;
}

/** Any JSON object: a part of a request that the overlay keeps and gives back, but does not look into. */
export const anything = z.record(z.string(), z.unknown());
export type Anything = z.infer<typeof anything>;

/** Moto writes some times as ISO 8601, which AWS's SDKs refuse. */
export const time = z.union([z.number(), z.iso.datetime().transform((text) => Date.parse(text) / 1000)]);
