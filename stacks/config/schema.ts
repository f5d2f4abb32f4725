import { z } from 'zod';
import { conflict } from './conflict.ts';
import { REGION } from './formats.ts';
import { firewall } from './sections/firewall.ts';
import { certificateRegion, https } from './sections/https.ts';
import { learning } from './sections/learning.ts';
import { network } from './sections/network.ts';
import { observability } from './sections/observability.ts';
import { service } from './sections/service.ts';
import { source } from './sections/source.ts';
import { state } from './sections/state.ts';

/** The deployments that there may be. */
export const ENVIRONMENTS = ['dev', 'prod'] as const;

/** Everything about the cloud that a person may choose. It holds no secret. */
export const configuration = z
  .strictObject({
    environment: z
      .enum(ENVIRONMENTS)
      .default('dev')
      .describe('Which deployment this is: it names the stack and picks safer defaults for prod.'),
    region: z
      .string()
      .regex(REGION.pattern, REGION.rule)
      .default('ap-northeast-2')
      .describe('AWS region of everything; the default is Seoul.'),
    account: z
      .string()
      .regex(/^\d{12}$/, 'give the 12 digits of an AWS account')
      .default('000000000000')
      .describe('AWS account. The default plans without an account; AWS refuses to apply it.'),
    namePrefix: z
      .string()
      .regex(
        /^[a-z][a-z0-9]{0,9}$/,
        'give up to ten lower-case letters and digits that begin with a letter, such as app',
      )
      .default('app')
      .describe("First part of the resources' names."),
    nameSuffix: z
      .string()
      .regex(/^[a-z0-9]{0,6}$/, 'give up to six lower-case letters and digits')
      .default('')
      .describe("Last part of the resources' names, so that two deployments share an account."),
    bucketSuffix: z
      .string()
      // What S3 refuses at the end of a bucket's name, it would refuse only at apply.
      .regex(
        /^([a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?)?$/,
        'give up to thirty lower-case letters, digits and hyphens that neither begin nor end with a hyphen',
      )
      .default('')
      .describe("Last part of the buckets' names, which are unique in the world; empty: the account."),
    deletionProtection: z
      .boolean()
      .default(false)
      .describe('Refuse to delete load balancers, and buckets and registries that hold something.'),
    network,
    web: service,
    was: service,
    https,
    firewall,
    source,
    learning,
    observability,
    state,
  })
  .check(({ value, issues }) => {
    const { certificateArn } = value.https;
    if (certificateArn && certificateRegion(certificateArn) !== value.region)
      issues.push(
        conflict({
          field: 'https.certificateArn',
          because: ['region'],
          message: `a load balancer in ${value.region} takes certificates of that region only, request one there`,
        }),
      );
  });

export type Configuration = Readonly<z.output<typeof configuration>>;
/** A configuration of which anything may be left out. */
export type PartialConfiguration = z.input<typeof configuration>;
export type ServiceConfiguration = Configuration['web'];
