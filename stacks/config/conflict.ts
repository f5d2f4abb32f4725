import { z } from 'zod';

const params = z.object({ because: z.array(z.string()) });

/** A value that is wrong only beside other values. */
export interface Conflict {
  readonly field: string;
  /** The other fields, so that people are told where those come from too: neighbours, or whole paths. */
  readonly because: readonly string[];
  readonly message: string;
}

/** A conflict as an issue for the zod schema of the section that holds `field`. */
export const conflict = ({ field, because, message }: Conflict) => ({
  code: 'custom' as const,
  input: undefined,
  path: field.split('.'),
  params: { because },
  message,
});

/** The other fields that an issue of the schema names. */
export const becauseOf = (issue: z.core.$ZodIssue): readonly string[] =>
  issue.code === 'custom' ? (params.safeParse(issue.params).data?.because ?? []) : [];
