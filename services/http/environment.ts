import { z } from 'zod';
import { LOG_LEVELS } from './log.ts';

/** What every service reads from its environment. */
export const serverEnvironment = (defaultPort: number) =>
  z.object({
    /** TCP port to listen on; 0 takes a free one. */
    PORT: z.coerce.number().int().min(0).max(65535).default(defaultPort),
    /** Address to listen on. */
    HOST: z.string().min(1).default('0.0.0.0'),
    LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
  });

/**
 * Reads a service's settings. A variable that is set but empty counts as not set, as in a shell's `${X:-default}`.
 *
 * @throws Error that names each wrong variable
 */
export const readEnvironment = <T extends z.ZodType>(
  schema: T,
  environment: NodeJS.ProcessEnv = process.env,
): z.infer<T> => {
  const present = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const result = schema.safeParse(present);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new Error(`The environment is wrong. ${issues.join('; ')}`);
};
