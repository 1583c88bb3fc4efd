import type { JsonObject } from './endpoints/endpoint.js';
import { hasAdapter } from './endpoints/endpoints.js';

const KEEPS_BY_DEFAULT = '/v1/responses';

/**
 * Whether two backends may work on a request without harm, in a pool whose operator allows it: those of
 * the known endpoints compute and keep nothing, unless they say `store` (a response is kept unless it
 * says not to). What other endpoints do is not known.
 */
export function isHedgeable(path: string, body: JsonObject): boolean {
  if (!hasAdapter(path)) return false;
  return path === KEEPS_BY_DEFAULT ? body.store === false : body.store !== true;
}
