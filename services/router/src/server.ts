import {
  createHttpServer,
  createLogger,
  createRegistry,
  drain,
  listen,
  onShutdown,
  RedisConnection,
  runOrExit,
  serverUrl,
} from '@switchyard/service-kit';
import { createApp } from './app.js';
import { ClientKeys } from './authentication.js';
import { BackendRegistry } from './backends/backend-registry.js';
import { HealthChecks } from './backends/health-checks.js';
import { readConfig } from './config.js';
import { observeConnections } from './connection-metrics.js';
import type { ConnectionLedger } from './connections/connection-ledger.js';
import { MemoryConnectionLedger } from './connections/memory-connection-ledger.js';
import { RedisConnectionLedger } from './connections/redis-connection-ledger.js';
import { observeFailures } from './failure-metrics.js';
import { observeFleet } from './fleet-metrics.js';
import { ClientLimits } from './limits/client-limits.js';
import { RequestRates } from './limits/request-rates.js';
import { createBackendDispatcher } from './proxy/backend-dispatcher.js';
import { RequestRecorder } from './proxy/request-record.js';
import { RunningRequests } from './proxy/running-requests.js';
import { IntentSource } from './routing/intent-source.js';
import { PoolChooser } from './routing/pool-chooser.js';
import { noTelemetry } from './telemetry/telemetry.js';

/** What closing may take once the last request has ended. */
const CLOSE_MS = 5000;
/** A router that starts while Redis is away serves without it after so long. */
const REDIS_WAIT_MS = 2000;

await runOrExit(async () => {
  const config = readConfig(process.env);
  const { fleet } = config;
  const logger = createLogger('router', config.logLevel);
  const metrics = createRegistry();

  const dispatcher = createBackendDispatcher(fleet.timeouts);
  const registry = new BackendRegistry(fleet);
  const health = new HealthChecks(registry.backends(), dispatcher, fleet.health, logger);
  const redis = config.redis && {
    connection: new RedisConnection(config.redis, { name: 'switchyard-router', logger }),
    listener: new RedisConnection(config.redis, {
      name: 'switchyard-router-listener',
      // It comes and goes with the other one, which says so.
      logger: createLogger('router', 'silent'),
    }),
  };
  await redis?.connection.whenReady(REDIS_WAIT_MS);
  const { redisKeyPrefix: prefix, leaseMs } = config;
  const ledger: ConnectionLedger = redis
    ? await RedisConnectionLedger.open({
        ...redis,
        prefix,
        leaseMs,
        fleet: () => registry.backendIds,
        logger,
      })
    : new MemoryConnectionLedger();
  const intents = new IntentSource({
    url: config.classifierUrl,
    timeoutMs: fleet.classification.timeoutMs,
    cacheSize: fleet.classification.cacheSize,
    logger,
  });
  observeFleet(metrics, registry, ledger, intents);
  observeFailures(metrics, registry);
  observeConnections(metrics, registry, ledger);
  // Loaded only where it is wanted: the libraries take 10 MB.
  const telemetry = config.openTelemetry
    ? new (await import('./telemetry/open-telemetry.js')).OpenTelemetry({
        ...config.openTelemetry,
        logger,
      })
    : noTelemetry;
  const running = new RunningRequests();
  const stopping = new AbortController();

  const app = createApp({
    chooser: new PoolChooser(fleet, registry, intents),
    registry,
    ledger,
    dispatcher,
    intents,
    keys: new ClientKeys(config.apiKeys, config.adminToken),
    telemetry,
    clientLimits: new ClientLimits(new RequestRates(redis?.connection, prefix), ledger),
    limits: fleet.limits,
    recorder: new RequestRecorder(logger, metrics, new Set(fleet.routes.keys())),
    logger,
    metrics,
    adminToken: config.adminToken,
    maxBodyBytes: config.maxBodyBytes,
    stallMs: fleet.timeouts.readMs,
    trustedProxies: fleet.trustedProxies,
    running,
    stopping: stopping.signal,
  });
  const server = createHttpServer(app);
  const { graceMs } = fleet.shutdown;
  onShutdown(logger, graceMs + CLOSE_MS, async () => {
    stopping.abort();
    running.closeConnections();
    await drain(server, graceMs);
    await running.ended();
    await telemetry.close();
    await health.close();
    await intents.close();
    await ledger.close();
    await redis?.connection.close();
    await redis?.listener.close();
    await dispatcher.destroy();
  });
  intents.start();
  await health.start();
  const { port } = await listen(server, {
    host: config.host,
    port: config.port,
    variable: 'ROUTER_PORT',
  });
  const url = serverUrl(config.host, port);
  logger.info({ url, pid: process.pid, config: config.fleetPath }, 'listening');
});
