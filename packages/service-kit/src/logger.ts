import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger };

/** Lines are written together, so many bytes of them or so many milliseconds late. */
const BATCH_BYTES = 32 * 1024;
const FLUSH_MS = 50;
/** From this level on (warn) a line is written at once, and those before it. */
const URGENT = 40;
/** When nobody reads them, lines beyond so many are dropped rather than kept. */
const MOST_BYTES = 16 * 1024 * 1024;

type Destination = DestinationStream & { flush(): void };

let destination: Destination | undefined;

/** One for all loggers of the process, which keeps their lines in order. */
function stdout(): Destination {
  destination ??= pino.destination({
    sync: false,
    minLength: BATCH_BYTES,
    maxWrite: 2 * BATCH_BYTES,
    maxLength: MOST_BYTES,
    periodicFlush: FLUSH_MS,
  });
  return destination;
}

/**
 * JSON lines on stdout; at the exit of the process all of them are written. Prompts are logged at
 * `trace` only, under the key `prompt`.
 */
export function createLogger(service: string, level: string): Logger {
  const destination = stdout();
  return pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: {
        logMethod(args, method, severity) {
          method.apply(this, args);
          if (severity >= URGENT) destination.flush();
        },
      },
    },
    destination,
  );
}
