import { invalidRequest, methodNotAllowed } from '@switchyard/service-kit';
import { Router } from 'express';
import type { ConnectionLedger } from '../connections/connection-ledger.js';
import type { FleetInForce } from '../fleet/fleet-in-force.js';
import { AffinityKeys } from '../proxy/affinity-key.js';
import { BackendSearch } from '../proxy/backend-search.js';
import { type BodyBudget, BodyShare } from '../proxy/body-budget.js';
import { demandsOf } from '../proxy/demands.js';
import { chat } from '../proxy/endpoints/chat.js';
import { completions } from '../proxy/endpoints/completions.js';
import type { Endpoint, JsonObject } from '../proxy/endpoints/endpoint.js';
import { readBody } from '../proxy/read-body.js';
import { modelOf, parseJsonObject } from '../proxy/request-body.js';

export interface RouteDependencies {
  current: () => FleetInForce;
  ledger: ConnectionLedger;
  maxBodyBytes: number;
  bodies: BodyBudget;
}

/** How a request would be routed, without sending it. */
export function routeRoutes({ current, ledger, maxBodyBytes, bodies }: RouteDependencies): Router {
  return Router()
    .post('/route', async (request, response) => {
      const share = new BodyShare(bodies);
      const raw = await readBody(request, maxBodyBytes, share).finally(() => share.release());
      const body = parseJsonObject(request, raw);
      const endpoint = endpointOf(body);
      const { fleet, registry, chooser } = current();
      const turns = endpoint.humanTurns(body);
      const question = { model: modelOf(body), turns, kind: 'prompt' as const };
      const decision = await chooser.choose(question);
      const keys = new AffinityKeys(request, fleet.trustedProxies, endpoint, body);
      const demands = demandsOf(body);
      const gone = new AbortController().signal;
      const search = new BackendSearch({ registry, ledger, decision, demands, keys, gone });
      const preview = search.preview();
      const pool = preview?.pool ?? registry.pool(decision.pool);
      response.json({
        intent: decision.intent ?? null,
        confidence: decision.confidence ?? null,
        source: decision.source,
        reason: decision.reason,
        pool: pool.name,
        variant: preview?.variant?.name ?? null,
        backend: preview?.backend.name ?? null,
        candidates: pool.backends.map(({ id, name, health, capacity }) => ({
          backend: name,
          healthy: health.usable,
          inFlight: ledger.inFlight(pool.name, id).cluster,
          capacity: Number.isFinite(capacity) ? capacity : null,
        })),
        classifyMs: decision.classifyMs,
      });
    })
    .all('/route', methodNotAllowed('POST'));
}

/** The body of a chat or a completions request, or only `{"prompt": "..."}`. */
function endpointOf(body: JsonObject): Endpoint {
  if (body.messages === undefined && body.prompt === undefined)
    throw invalidRequest('request body: needs "messages" or "prompt"', 'prompt');
  const endpoint = body.messages === undefined ? completions : chat;
  endpoint.check(body);
  return endpoint;
}
