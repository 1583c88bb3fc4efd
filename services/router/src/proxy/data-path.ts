import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '@switchyard/service-kit';
import type { Dispatcher } from 'undici';
import type { ClientKeys } from '../authentication.js';
import type { ConnectionLedger } from '../connections/connection-ledger.js';
import { demandsNotMet } from '../errors.js';
import type { FleetInForce } from '../fleet/fleet-in-force.js';
import type { ClientLimits } from '../limits/client-limits.js';
import type { RequestTrace, Telemetry } from '../telemetry/telemetry.js';
import { AffinityKeys } from './affinity-key.js';
import { BackendSearch } from './backend-search.js';
import { type BodyBudget, BodyShare } from './body-budget.js';
import { type Abortable, clientGone } from './client-presence.js';
import { demandsOf } from './demands.js';
import { endpointFor, hasAdapter } from './endpoints/endpoints.js';
import { FailureLog } from './failure-log.js';
import { forward } from './forward.js';
import { isEventStream, requestHeaders } from './headers.js';
import { isHedgeable } from './hedgeable.js';
import { type Found, modelFor } from './offers.js';
import { readBody } from './read-body.js';
import { relay } from './relay.js';
import { anyBody, jsonBody } from './request-body.js';
import { checkedPath, requestIdOf } from './request-line.js';
import { newRecord, type RequestRecord, type RequestRecorder } from './request-record.js';
import { ownHeaders, sendError, shownError } from './respond.js';
import type { ShadowCopies } from './shadow-copies.js';
import { UsageReader } from './token-usage.js';

export interface DataPathDependencies {
  current: () => FleetInForce;
  ledger: ConnectionLedger;
  dispatcher: Dispatcher;
  keys: ClientKeys;
  clientLimits: ClientLimits;
  shadows: ShadowCopies;
  recorder: RequestRecorder;
  telemetry: Telemetry;
  logger: Logger;
  maxBodyBytes: number;
  bodies: BodyBudget;
}

/** As in nginx; only in the log and the metrics, since nobody is left to read it. */
const CLIENT_CLOSED_REQUEST = 499;

interface Circumstances {
  /** When the request came: performance.now(). */
  started: number;
  gone: Abortable;
  trace: RequestTrace;
}

export type DataPath = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** The way of a request under /v1: read, decide, acquire, forward, relay, release. */
export function createDataPath(dependencies: DataPathDependencies): DataPath {
  const { current, ledger, dispatcher, keys, clientLimits, recorder, logger } = dependencies;

  return async (request, response) => {
    const started = performance.now();
    const trace = dependencies.telemetry.trace(request);
    const record = newRecord({
      requestId: requestIdOf(request),
      method: request.method ?? '',
      path: (request.url ?? '').split('?', 1)[0] ?? '',
      traceId: trace.id,
    });
    const gone = clientGone(request, response);
    try {
      await serve(request, response, record, { started, gone, trace });
    } catch (error) {
      if (gone.aborted) record.outcome = 'client gone';
      else sendError(response, shownError(error, logger), ownHeaders(record));
    } finally {
      record.status = response.headersSent ? response.statusCode : CLIENT_CLOSED_REQUEST;
      record.totalMs = performance.now() - started;
      recorder.finish(record);
      trace.finish(record);
    }
  };

  async function serve(
    request: IncomingMessage,
    response: ServerResponse,
    record: RequestRecord,
    circumstances: Circumstances,
  ): Promise<void> {
    record.client = keys.authenticate(request);
    const admission = await clientLimits.admit(record.client, current().fleet.limits);
    for (const [name, value] of Object.entries(admission.headers)) response.setHeader(name, value);
    const share = new BodyShare(dependencies.bodies);
    try {
      await serveAdmitted(request, response, record, { ...circumstances, share });
    } finally {
      share.release();
      admission.release();
    }
  }

  async function serveAdmitted(
    request: IncomingMessage,
    response: ServerResponse,
    record: RequestRecord,
    { started, gone, trace, share }: Circumstances & { share: BodyShare },
  ): Promise<void> {
    const path = checkedPath(request);
    const endpoint = endpointFor(record.path);
    const raw = await readBody(request, dependencies.maxBodyBytes, share);
    const body = hasAdapter(record.path) ? jsonBody(request, raw) : anyBody(request, raw);
    endpoint.check(body.json);
    record.askedModel = body.model;
    record.readMs = performance.now() - started;

    const { fleet, registry, chooser } = current();
    const { readMs } = fleet.timeouts;
    const turns = endpoint.humanTurns(body.json);
    record.decision = await chooser.choose({ model: body.model, turns, kind: endpoint.kind });
    record.pool = record.decision.pool;

    const affinityKeys = new AffinityKeys(request, fleet.trustedProxies, endpoint, body.json);
    const demands = demandsOf(body.json);
    const search = new BackendSearch({
      registry,
      newest: () => current().registry,
      ledger,
      decision: record.decision,
      demands,
      keys: affinityKeys,
      gone,
    });
    if (!search.canServe) throw demandsNotMet(record.pool);
    const failures = new FailureLog(logger, record.requestId, (outcome) =>
      trace.attempted(outcome),
    );
    let isCopied = false;
    const copyOnce = ({ pool }: Found) => {
      if (isCopied) return;
      isCopied = true;
      dependencies.shadows.consider({
        pool,
        registry,
        method: request.method ?? 'GET',
        endpoint: record.path,
        path,
        bytes: raw.length,
        body,
        demands,
        keys: affinityKeys,
        headers: (own) => requestHeaders(request, { 'x-request-id': record.requestId, ...own }),
      });
    };
    const requestFor = (found: Found) => ({
      method: request.method ?? 'GET',
      path,
      headers: requestHeaders(request, {
        'x-request-id': record.requestId,
        ...trace.headers,
        ...found.backend.authorization,
      }),
      body: body.withModel(modelFor(found, body.model)),
      readMs,
      signal: gone,
    });
    try {
      const budget = registry.pool(record.decision.pool).retries;
      const hedgeable = isHedgeable(record.path, body.json);
      const options = { gone, failures, budget, hedgeable, sent: copyOnce };
      const tried = await forward(search, dispatcher, requestFor, options);
      const { attempts, hedges, found, answer, error } = tried;
      record.attempts = attempts;
      record.hedges = hedges;
      record.pool = found?.pool.name ?? record.pool;
      record.backend = found?.backend.name;
      record.variant = found?.variant?.name;
      record.model = found && modelFor(found, body.model);
      if (search.queuedMs > 0) record.queuedMs = search.queuedMs;
      if (!answer) throw error ?? search.refusal();
      record.firstByteMs = performance.now() - started;
      const own = ownHeaders(record);
      record.streamed = isEventStream(answer.headers);
      const usage = UsageReader.for(answer.status, answer.headers);
      const passed = usage && ((chunk: Buffer) => usage.passed(chunk));
      const end = await relay(response, answer, own, { gone, stallMs: readMs, passed });
      record.outcome = end.outcome;
      record.usage = usage?.usage;
      failures.noteEnd(answer, end);
    } finally {
      search.release();
    }
  }
}
