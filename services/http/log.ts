import { type Logger, pino } from 'pino';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** JSON lines on stdout, which CloudWatch Logs parses as they are. */
export const createLog = (service: string, level: LogLevel): Logger => pino({ base: { service }, level });
