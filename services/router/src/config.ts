import { fileURLToPath } from 'node:url';
import {
  ConfigError,
  checkAdminExposure,
  parseEnvironment,
  type RedisLocation,
  userPath,
  variable,
  withSecretFiles,
} from '@switchyard/service-kit';
import { z } from 'zod';
import { type FleetFileContent, loadFleet } from './configuration/load-fleet.js';
import type { Fleet } from './configuration/schema.js';

const SHIPPED_EXAMPLE = fileURLToPath(new URL('../../../config/demo.yaml', import.meta.url));
/** What an `Authorization` header can carry as one word. */
const KEY = /^[\x21-\x7e]+$/;

const ApiKeys = z
  .string()
  .transform((list) =>
    list
      .split('\n')
      // A file may end with a line break; a comma with nothing after it is a mistake.
      .filter((line) => line.trim() !== '')
      .flatMap((line) => line.split(','))
      .map((entry) => entry.trim().split(/:(.*)/s, 2)),
  )
  .refine((pairs) => pairs.every(([name, key]) => name && key && KEY.test(key)), {
    error:
      'must be a comma-separated list of name:key, with keys of ASCII characters without spaces',
  })
  .refine((pairs) => new Set(pairs.map(([name]) => name)).size === pairs.length, {
    error: 'must not name a client twice',
  })
  .transform((pairs) => new Map(pairs.map(([name, key]) => [name ?? '', key ?? ''])))
  .optional();

/** Each may also be given as NAME_FILE. */
const SECRETS = ['API_KEYS', 'ADMIN_TOKEN', 'REDIS_URL'];

const Variables = z.object({
  ROUTER_HOST: variable.text('127.0.0.1'),
  ROUTER_PORT: variable.port(9000),
  SWITCHYARD_CONFIG: variable.text(SHIPPED_EXAMPLE),
  CLASSIFIER_URL: variable.url('http://127.0.0.1:9001'),
  API_KEYS: ApiKeys,
  ADMIN_TOKEN: variable.secret(),
  ALLOW_UNAUTHENTICATED_ADMIN: variable.flag(false),
  MAX_BODY_BYTES: variable.integer(32 * 1024 * 1024, { min: 1024, max: 1024 ** 3 }),
  MAX_BUFFERED_BYTES: variable.integer(256 * 1024 * 1024, { min: 1024, max: 1024 ** 4 }),
  REDIS_URL: variable.redisUrl(),
  REDIS_KEY_PREFIX: variable.redisKeyPrefix(),
  LEASE_MS: variable.integer(10_000, { min: 500, max: 3_600_000 }),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
    .optional(),
  OTEL_SERVICE_NAME: variable.text('switchyard-router'),
  OTEL_METRIC_EXPORT_INTERVAL: variable.integer(60_000, { min: 100, max: 3_600_000 }),
  LOG_LEVEL: variable.logLevel(),
});

export interface RouterConfig {
  host: string;
  port: number;
  classifierUrl: string;
  /** Client name -> key; undefined: everybody may call. */
  apiKeys: ReadonlyMap<string, string> | undefined;
  adminToken: string | undefined;
  maxBodyBytes: number;
  /** Of all requests at a time. */
  maxBufferedBytes: number;
  /** Undefined: counts are those of this process. */
  redis: RedisLocation | undefined;
  redisKeyPrefix: string;
  /** Life of a connection lease in Redis between renewals. */
  leaseMs: number;
  /** Undefined: no traces. */
  openTelemetry: { serviceName: string; metricIntervalMs: number } | undefined;
  logLevel: string;
  /** Path of the YAML file, and what it said at the start. */
  fleetPath: string;
  fleet: FleetFileContent;
  /** Reads it again. Throws ConfigError. */
  readFleet: () => FleetFileContent;
}

/** Throws ConfigError naming every wrong variable, or every wrong path of the YAML file. */
export function readConfig(environment: Record<string, string | undefined>): RouterConfig {
  const read = parseEnvironment(Variables, withSecretFiles(environment, SECRETS));
  checkAdminExposure({
    hostVariable: 'ROUTER_HOST',
    host: read.ROUTER_HOST,
    adminToken: read.ADMIN_TOKEN,
    allowUnauthenticated: read.ALLOW_UNAUTHENTICATED_ADMIN,
  });
  const fleetPath = userPath(read.SWITCHYARD_CONFIG, environment);
  const readFleet = () => {
    const content = loadFleet(fleetPath, environment);
    checkLimitedClients(content.fleet, read.API_KEYS);
    return content;
  };
  return Object.freeze({
    host: read.ROUTER_HOST,
    port: read.ROUTER_PORT,
    classifierUrl: read.CLASSIFIER_URL,
    apiKeys: read.API_KEYS,
    adminToken: read.ADMIN_TOKEN,
    maxBodyBytes: read.MAX_BODY_BYTES,
    maxBufferedBytes: read.MAX_BUFFERED_BYTES,
    redis: read.REDIS_URL,
    redisKeyPrefix: read.REDIS_KEY_PREFIX,
    leaseMs: read.LEASE_MS,
    openTelemetry: read.OTEL_EXPORTER_OTLP_ENDPOINT
      ? {
          serviceName: read.OTEL_SERVICE_NAME,
          metricIntervalMs: read.OTEL_METRIC_EXPORT_INTERVAL,
        }
      : undefined,
    logLevel: read.LOG_LEVEL,
    fleetPath,
    fleet: readFleet(),
    readFleet,
  });
}

/** A client whose name is mistyped would have the limits of all others. */
function checkLimitedClients(
  { limits }: Fleet,
  apiKeys: ReadonlyMap<string, string> | undefined,
): void {
  const known = new Set([...(apiKeys?.keys() ?? ['anonymous']), 'admin']);
  const unknown = Object.keys(limits?.clients ?? {}).filter((name) => !known.has(name));
  if (unknown.length > 0)
    throw new ConfigError(
      unknown.map((name) => `limits.clients.${name}: API_KEYS has no client of this name`),
    );
}
