import type { Exchange } from '../requests/exchange.js';
import { durationMs, tokensDue } from './pace.js';
import type { EventsReply } from './reply.js';
import { type Wire, wireOf } from './wire.js';

/** Tokens sent in one write at most, so that a long unlimited answer meets backpressure. */
const BATCH = 256;

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
};

/**
 * The head goes out with the first token, after ttftMs; token i is due i / tokensPerSecond later,
 * counted from the first, so that timers that fire late do not add up. The cut fault ends a stream
 * at its tail at the latest.
 */
export async function sendEvents(exchange: Exchange, reply: EventsReply): Promise<void> {
  const { behaviour, fault } = exchange;
  if (!(await exchange.sleep(behaviour.ttftMs))) return;
  const wire = wireOf(exchange);
  wire.start(200, HEADERS);
  if (fault.type !== 'cut') {
    const rest = await sendTokens(exchange, wire, reply, reply.tokens);
    return rest === undefined ? undefined : wire.end(rest + reply.tail);
  }
  if (fault.afterTokens === 0) return wire.cut('');
  const rest = await sendTokens(exchange, wire, reply, Math.min(fault.afterTokens, reply.tokens));
  return rest === undefined ? undefined : wire.cut(rest);
}

/** Answers the text due but not yet written, to be sent with what follows; undefined: client gone. */
async function sendTokens(
  exchange: Exchange,
  wire: Wire,
  { head, token }: EventsReply,
  count: number,
): Promise<string | undefined> {
  const { behaviour } = exchange;
  const start = performance.now();
  let text = head;
  let sent = 0;
  for (;;) {
    const due = Math.min(count, tokensDue(behaviour, performance.now() - start), sent + BATCH);
    while (sent < due) text += token(sent++);
    if (sent === count) return text;
    if (text !== '' && !(await wire.write(text))) return undefined;
    text = '';
    // The next token, number `sent` from 0, is due when sent + 1 tokens' time is over.
    const nextAt = start + durationMs(behaviour, sent + 1);
    if (!(await exchange.sleep(nextAt - performance.now()))) return undefined;
  }
}
