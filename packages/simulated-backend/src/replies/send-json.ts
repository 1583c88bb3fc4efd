import type { ApiError } from '../errors.js';
import type { Exchange } from '../requests/exchange.js';
import { durationMs } from './pace.js';
import type { JsonReply } from './reply.js';
import { wireOf } from './wire.js';

/** Answers after the time its tokens take. The cut fault sends half of the declared length. */
export async function sendJson(exchange: Exchange, reply: JsonReply): Promise<void> {
  const { behaviour, fault } = exchange;
  const ms = exchange.isApi ? behaviour.ttftMs + durationMs(behaviour, reply.tokens) : 0;
  if (!(await exchange.sleep(ms))) return;
  const text = JSON.stringify(reply.body);
  const wire = wireOf(exchange);
  wire.start(reply.status, jsonHeaders(text));
  if (fault.type === 'cut') {
    const bytes = Buffer.from(text);
    return wire.cut(bytes.subarray(0, bytes.length >> 1));
  }
  return wire.end(text);
}

export async function sendError(
  exchange: Exchange,
  error: ApiError,
  outcome: 'completed' | 'refused' = 'completed',
  retryAfter?: number,
): Promise<void> {
  const text = JSON.stringify(error.toBody());
  const wire = wireOf(exchange);
  const headers = jsonHeaders(text);
  wire.start(
    error.status,
    retryAfter === undefined ? headers : { ...headers, 'retry-after': String(retryAfter) },
  );
  return wire.end(text, outcome);
}

function jsonHeaders(text: string): { 'content-type': string; 'content-length': number } {
  return {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  };
}
