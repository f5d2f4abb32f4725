import { z } from 'zod';
import { emptyOr, REGION } from '../formats.ts';

/** Where Terraform keeps its state. */
export const state = z
  .strictObject({
    bucket: emptyOr(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'give the name of an S3 bucket')
      .default('')
      .describe(
        'S3 bucket of the Terraform state, with a lock file beside it; empty: a file in the project.',
      ),
    region: emptyOr(REGION.pattern, REGION.rule)
      .default('')
      .describe("The bucket's region; empty: the system's own."),
  })
  .prefault({});
