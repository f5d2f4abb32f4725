import { z } from 'zod';
import { conflict } from '../conflict.ts';

const FOR_GITHUB = [
  { field: 'repository', pattern: /^[\w.-]+\/[\w.-]+$/, example: 'owner/name' },
  {
    field: 'connectionArn',
    pattern: /^arn:aws[a-z-]*:code(connections|star-connections):/,
    example: 'arn:aws:codeconnections:<region>:<account>:connection/<id>',
  },
] as const;

/** Where the pipelines take the code from. */
export const source = z
  .strictObject({
    provider: z
      .enum(['codecommit', 'github'])
      .default('codecommit')
      .describe(
        'Where pipelines take the code from: repositories of CodeCommit, or GitHub through CodeConnections.',
      ),
    branch: z
      .string()
      .regex(/^\S+$/, 'give the name of a branch, such as main')
      .default('main')
      .describe('Branch whose pushes are deployed.'),
    repository: z.string().default('').describe('github only: owner/name of the repository.'),
    connectionArn: z.string().default('').describe('github only: ARN of the CodeConnections connection.'),
  })
  .check(({ value, issues }) => {
    if (value.provider !== 'github') return;
    for (const { field, pattern, example } of FOR_GITHUB)
      if (!pattern.test(value[field]))
        issues.push(
          conflict({
            field,
            because: ['provider'],
            message: `source.provider is github, give ${example}`,
          }),
        );
  })
  .prefault({});
