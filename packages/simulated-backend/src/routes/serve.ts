import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError } from '../errors.js';
import type { Reply } from '../replies/reply.js';
import { sendEvents } from '../replies/send-events.js';
import { sendError, sendJson } from '../replies/send-json.js';
import type { Exchange } from '../requests/exchange.js';
import { readBody } from '../requests/read-body.js';
import { Received } from '../requests/received.js';
import type { Simulation } from '../simulation.js';
import type { Handler } from './context.js';

/** The way of every request: fault, body, answer, slot, time. */
export async function serve(
  simulation: Simulation,
  handler: Handler,
  req: IncomingMessage & { originalUrl: string },
  res: ServerResponse,
): Promise<void> {
  const exchange = simulation.accept(req, res);
  const { fault, record } = exchange;
  if (fault.type === 'reset' || fault.type === 'refuse') return reset(exchange);

  const body = await readBody(exchange);
  if (body === 'client-gone') return;
  if (body === 'too-large') {
    return sendError(exchange, new ApiError(413, 'request_too_large', 'The body is too large.'));
  }
  const received = new Received(body);
  record.body = received.excerpt;
  record.bodyBytes = received.bytes;

  if (fault.type === 'hang') return exchange.hang();
  if (fault.type === 'error') {
    const error = new ApiError(fault.status, 'simulated_error', `Simulated ${fault.status}.`);
    return sendError(exchange, error, 'refused', fault.retryAfter);
  }
  const reply = answer(exchange, handler, received);
  if (reply instanceof ApiError) return sendError(exchange, reply);
  if (exchange.isApi && !(await exchange.takeSlot())) return;
  const { coldStartMs } = exchange.behaviour;
  if (exchange.isApi && !(await exchange.sleep(simulation.load.wait(coldStartMs)))) return;
  return reply.kind === 'json' ? sendJson(exchange, reply) : sendEvents(exchange, reply);
}

/** The client sees ECONNRESET. */
function reset(exchange: Exchange): void {
  exchange.settle('refused');
  exchange.req.socket.resetAndDestroy();
}

function answer(exchange: Exchange, handler: Handler, received: Received): Reply | ApiError {
  const { record, behaviour } = exchange;
  try {
    const reply = handler(received, { requestId: record.id, behaviour });
    return reply.kind === 'json' && exchange.isApi
      ? { ...reply, body: { ...reply.body, simulated: simulatedMember(exchange, received) } }
      : reply;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}

/** Tells a test which backend answered and what reached it. */
function simulatedMember({ record, behaviour }: Exchange, received: Received): object {
  const { method, path, headers } = record;
  return {
    backend: behaviour.name,
    received: { method, path, headers, body: received.echo() },
  };
}
