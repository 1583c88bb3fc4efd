import { type Logger, pino } from 'pino';

export type { Logger };

/** JSON lines on stdout. Prompts are logged at `trace` only, under the key `prompt`. */
export function createLogger(service: string, level: string): Logger {
  return pino({
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}
