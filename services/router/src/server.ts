import {
  createHttpServer,
  createLogger,
  createRegistry,
  drain,
  listen,
  onHangUp,
  onShutdown,
  RedisConnection,
  runOrExit,
  serverUrl,
} from '@switchyard/service-kit';
import type { AdminOverrides } from './administration/admin-overrides.js';
import { MemoryAdminOverrides } from './administration/memory-admin-overrides.js';
import { RedisAdminOverrides } from './administration/redis-admin-overrides.js';
import { createApp } from './app.js';
import { ClientKeys } from './authentication.js';
import { HealthChecks } from './backends/health-checks.js';
import { WarmUps } from './backends/warm-ups.js';
import { readConfig } from './config.js';
import { observeConfiguration } from './configuration-metrics.js';
import { observeConnections } from './connection-metrics.js';
import type { ConnectionLedger } from './connections/connection-ledger.js';
import { MemoryConnectionLedger } from './connections/memory-connection-ledger.js';
import { RedisConnectionLedger } from './connections/redis-connection-ledger.js';
import { observeFailures } from './failure-metrics.js';
import { FileWatch } from './fleet/file-watch.js';
import { FleetReloads } from './fleet/fleet-reloads.js';
import { LiveFleet } from './fleet/live-fleet.js';
import { observeFleet } from './fleet-metrics.js';
import { ClientLimits } from './limits/client-limits.js';
import { RequestRates } from './limits/request-rates.js';
import { createBackendDispatcher } from './proxy/backend-dispatcher.js';
import { BodyBudget } from './proxy/body-budget.js';
import { RequestRecorder } from './proxy/request-record.js';
import { RunningRequests } from './proxy/running-requests.js';
import { ShadowCopies } from './proxy/shadow-copies.js';
import { IntentSource } from './routing/intent-source.js';
import { noTelemetry } from './telemetry/telemetry.js';

/** What closing may take once the last request has ended. */
const CLOSE_MS = 5000;
/** A router that starts while Redis is away serves without it after so long. */
const REDIS_WAIT_MS = 2000;

await runOrExit(async () => {
  const config = readConfig(process.env);
  const logger = createLogger('router', config.logLevel);
  const metrics = createRegistry();

  const dispatcher = createBackendDispatcher(() => live.current.fleet.timeouts.connectMs);
  const warmUps = new WarmUps({
    dispatcher,
    acquire: (pool, shortlist) => ledger.acquire(pool, shortlist),
    logger,
  });
  const health = new HealthChecks(dispatcher, logger, Math.random, warmUps);
  const { timeoutMs, cacheSize } = config.fleet.fleet.classification;
  const intents = new IntentSource({ url: config.classifierUrl, timeoutMs, cacheSize, logger });
  const live = new LiveFleet({ fleet: config.fleet.fleet, health, intents });
  const current = () => live.current;
  const registry = () => live.current.registry;
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
        fleet: () => registry().backendIds,
        logger,
      })
    : new MemoryConnectionLedger();
  const onChange = () => live.administer();
  const overrides: AdminOverrides = redis
    ? await RedisAdminOverrides.open({ connection: redis.connection, prefix, onChange, logger })
    : new MemoryAdminOverrides(onChange);
  live.follow(overrides);
  const configuration = new FleetReloads({
    path: config.fleetPath,
    loaded: config.fleet,
    read: config.readFleet,
    apply: (fleet) => live.apply(fleet),
    logger,
  });
  observeFleet(metrics, registry, ledger, intents);
  observeFailures(metrics, registry);
  observeConnections(metrics, registry, ledger);
  observeConfiguration(metrics, configuration, overrides);
  // Loaded only where it is wanted: the libraries take 10 MB.
  const telemetry = config.openTelemetry
    ? new (await import('./telemetry/open-telemetry.js')).OpenTelemetry({
        ...config.openTelemetry,
        logger,
      })
    : noTelemetry;
  const running = new RunningRequests();
  const stopping = new AbortController();

  const recorder = new RequestRecorder(logger, metrics, (intent) =>
    current().fleet.routes.has(intent),
  );
  const shadows = new ShadowCopies({ ledger, dispatcher, logger, metrics });

  const app = createApp({
    current,
    shadows,
    overrides,
    configuration,
    ledger,
    dispatcher,
    intents,
    keys: new ClientKeys(config.apiKeys, config.adminToken),
    telemetry,
    clientLimits: new ClientLimits(new RequestRates(redis?.connection, prefix), ledger),
    recorder,
    logger,
    metrics,
    adminToken: config.adminToken,
    maxBodyBytes: config.maxBodyBytes,
    bodies: new BodyBudget(config.maxBufferedBytes),
    running,
    stopping: stopping.signal,
  });
  const server = createHttpServer(app);
  let watch: FileWatch | undefined;
  const graceMs = () => current().fleet.shutdown.graceMs;
  onShutdown(
    logger,
    () => graceMs() + CLOSE_MS,
    async () => {
      watch?.close();
      stopping.abort();
      running.closeConnections();
      await drain(server, graceMs());
      await running.ended();
      recorder.close();
      shadows.close();
      await telemetry.close();
      await health.close();
      await warmUps.close();
      await intents.close();
      await overrides.close();
      await ledger.close();
      await redis?.connection.close();
      await redis?.listener.close();
      await dispatcher.destroy();
    },
  );
  intents.start();
  await live.start();
  watch = new FileWatch(config.fleetPath, config.fleet.source, () => {
    void configuration.reload('the file changed');
  });
  onHangUp(() => void configuration.reload('SIGHUP'));
  const { port } = await listen(server, {
    host: config.host,
    port: config.port,
    variable: 'ROUTER_PORT',
  });
  const url = serverUrl(config.host, port);
  logger.info({ url, pid: process.pid, config: config.fleetPath }, 'listening');
});
