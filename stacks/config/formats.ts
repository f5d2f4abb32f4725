import { z } from 'zod';
import { IPV4_BLOCK_RULE, parseIpv4Block } from './ipv4-block.ts';

/** Texts that several fields of the configuration have in common. A rule's message follows "<field> is <value>: ". */

/** A block of IPv4 addresses. What compares blocks is asked only when each is one. */
export const ipv4Block = z
  .string()
  .refine((text) => parseIpv4Block(text) !== undefined, { error: IPV4_BLOCK_RULE, abort: true });

export const imageTag = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/, 'give the tag of a container image, such as a commit id');

export const REGION = { pattern: /^[a-z]{2}(-[a-z]+)+-\d$/, rule: 'give a region, such as ap-northeast-2' };

/** A text that may be left empty. */
export const emptyOr = (pattern: RegExp, rule: string) =>
  z.string().refine((text) => text === '' || pattern.test(text), rule);
