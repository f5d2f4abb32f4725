import { z } from 'zod';

/** Days that CloudWatch Logs accepts; any other number is refused by AWS only at apply. */
const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** What is kept, and who is told. */
export const observability = z
  .strictObject({
    logRetentionDays: z
      .int()
      .refine(
        (days) => RETENTION_DAYS.includes(days),
        `CloudWatch Logs keeps no such time, give one of ${RETENTION_DAYS.join(', ')}`,
      )
      .default(30)
      .describe('Days that logs are kept.'),
    alarmEmail: z
      .string()
      .refine(
        (text) => text === '' || z.email().safeParse(text).success,
        'give an e-mail address, such as ops@example.com',
      )
      .default('')
      .describe('Who is told of alarms; AWS asks that address for a confirmation. Empty: nobody.'),
    monthlyBudgetUsd: z
      .int()
      .min(0)
      .default(500)
      .describe(
        'Cost per month at whose 80 % (actual) and 100 % (forecast) the alarm topic is told; 0: no budget.',
      ),
  })
  .prefault({});
