import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { ConfigError } from './config-error.js';
import { parseRedisUrl, RedisUrlError } from './redis-location.js';

export type Environment = Record<string, string | undefined>;

/** Relative paths are relative to where the user typed the command, which npm keeps in INIT_CWD. */
export function userPath(path: string, environment: Environment): string {
  return resolve(environment.INIT_CWD ?? process.cwd(), path);
}

/** Schemas for single variables. Each message completes the sentence "NAME ...". */
export const variable = {
  text: (fallback: string) => z.string().default(fallback),

  /** Only what an `Authorization` header can carry as one word. */
  secret: () =>
    z
      .string()
      .regex(/^[\x21-\x7e]*$/, { error: 'must be ASCII characters without spaces' })
      .optional(),

  integer: (fallback: number, { min, max }: { min: number; max: number }) =>
    z
      .string()
      .regex(/^-?\d+$/, { error: 'must be a whole number' })
      .transform(Number)
      .refine((n) => n >= min && n <= max, { error: `must be from ${min} to ${max}` })
      .default(fallback),

  port: (fallback: number) => variable.integer(fallback, { min: 0, max: 65_535 }),

  flag: (fallback: boolean) =>
    z
      .enum(['true', 'false', 'on', 'off', '1', '0'], {
        error: 'must be "on" or "off", "true" or "false"',
      })
      .transform((value) => value === 'true' || value === 'on' || value === '1')
      .default(fallback),

  url: (fallback: string) =>
    z
      .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
      .transform((url) => url.replace(/\/+$/, ''))
      .default(fallback),

  /** One URL, or several with commas for a Redis Cluster; undefined: no Redis. */
  redisUrl: () =>
    z
      .string()
      .transform((text, context) => {
        try {
          return parseRedisUrl(text);
        } catch (error) {
          if (!(error instanceof RedisUrlError)) throw error;
          context.addIssue({ code: 'custom', message: error.message });
          return z.NEVER;
        }
      })
      .optional(),

  /** What the names of all keys begin with, so that deployments can share a Redis. */
  redisKeyPrefix: () =>
    z
      .string()
      .regex(/^[A-Za-z0-9_.:-]{1,64}$/, {
        error: 'must be 1 to 64 letters, digits, "_", ".", ":" or "-"',
      })
      .default('switchyard'),

  /** A variable that users may rely on elsewhere: better no start than one that ignores it. */
  unsupported: (why: string) =>
    z
      .string()
      .refine(() => false, { error: why })
      .optional(),

  logLevel: () =>
    z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
        error: 'must be one of trace, debug, info, warn, error, fatal, silent',
      })
      .default('info'),
};

/**
 * The environment with secrets from files: where NAME_FILE names a file, NAME is what it holds, as
 * Docker and Kubernetes hand secrets to a process. Throws ConfigError.
 */
export function withSecretFiles(environment: Environment, names: readonly string[]): Environment {
  const read = { ...environment };
  const problems: string[] = [];
  for (const name of names) {
    const path = environment[`${name}_FILE`];
    if (!path) continue;
    if (environment[name]) problems.push(`${name}_FILE: must not be given together with ${name}`);
    try {
      read[name] = readFileSync(userPath(path, environment), 'utf8').trim();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      problems.push(`${name}_FILE: cannot read ${path} (${code})`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return read;
}

/**
 * Reads the variables that the schema names; an empty one counts as unset.
 * Throws ConfigError with one problem per wrong variable. Values are not repeated in the
 * message when the name says that it is a secret.
 */
export function parseEnvironment<S extends z.ZodObject>(
  schema: S,
  environment: Environment,
): Readonly<z.output<S>> {
  const given = Object.fromEntries(
    Object.keys(schema.shape).map((name) => [name, environment[name] || undefined]),
  );
  const parsed = schema.safeParse(given);
  if (parsed.success) return Object.freeze(parsed.data);
  throw new ConfigError(
    parsed.error.issues.map((issue) => {
      const name = String(issue.path[0] ?? '');
      const secret = /(KEYS?|TOKEN|SECRET|PASSWORD)$/.test(name) || name === 'REDIS_URL';
      const shown = secret ? '' : `, got ${JSON.stringify(given[name])}`;
      return `${name}: ${issue.message}${shown}`;
    }),
  );
}
