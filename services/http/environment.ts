import { z } from 'zod';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface ServerEnvironmentOptions {
  readonly defaultPort: number;
}

/**
 * The settings that every service reads from its environment: `PORT`, `HOST` and `LOG_LEVEL`.
 *
 * @returns a schema, for a service to extend with its own settings
 * @example
 * const schema = serverEnvironment({ defaultPort: 8000 });
 * readEnvironment(schema, { PORT: '' }).PORT; // => 8000
 */
export const serverEnvironment = ({ defaultPort }: ServerEnvironmentOptions) =>
  z.object({
    /** TCP port to listen on; 0 picks a free one. */
    PORT: z.coerce.number().int().min(0).max(65535).default(defaultPort),
    /** Address to listen on. */
    HOST: z.string().min(1).default('0.0.0.0'),
    LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
    /** CloudWatch namespace of the metrics in the log. */
    METRICS_NAMESPACE: z.string().min(1).default('Bloomstack'),
    METRICS_PORT: z.coerce.number().int().min(1).max(65535).optional(),
    /** Address that `GET /metrics` listens on. */
    METRICS_HOST: z.string().min(1).default('127.0.0.1'),
  });

export type ServerEnvironment = z.output<ReturnType<typeof serverEnvironment>>;

/**
 * Reads settings. An empty variable counts as unset, as in a shell's `${X:-default}`.
 *
 * @param environment @default process.env
 * @throws Error that names each invalid variable
 * @example
 * const schema = serverEnvironment({ defaultPort: 8000 });
 * readEnvironment(schema, { PORT: '81' }).PORT; // => 81
 */
export const readEnvironment = <T extends z.ZodType>(
  schema: T,
  environment: NodeJS.ProcessEnv = process.env,
): z.infer<T> => {
  const present = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const result = schema.safeParse(present);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new Error(`Invalid environment variables: ${issues.join('; ')}`);
};
