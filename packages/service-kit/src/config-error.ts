/** EX_CONFIG of sysexits.h: the configuration is wrong, restarting will not help. */
export const EXIT_CONFIG = 78;

/** One or more wrong settings; each problem is one line that names the variable or the YAML path. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
  }
}

/** Runs a service's start; a wrong setting ends the process with one line per problem. */
export async function runOrExit(start: () => Promise<void>): Promise<void> {
  try {
    await start();
  } catch (error) {
    if (error instanceof ConfigError) {
      for (const problem of error.problems) process.stderr.write(`${problem}\n`);
      process.exit(EXIT_CONFIG);
    }
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : error}\n`);
    process.exit(1);
  }
}
