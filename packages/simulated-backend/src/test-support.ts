import { once } from 'node:events';
import { connect } from 'node:net';
import type { FaultInput } from './settings/fault.js';
import { type SimulatedBackend, startSimulatedBackend } from './simulated-backend.js';

/** Generous: how long a state may take to come about, not how long it should. */
export const patience = { timeout: 10_000, interval: 5 };

export function start(fault: FaultInput): Promise<SimulatedBackend> {
  return startSimulatedBackend({ name: 'f', ttftMs: 0, tokensPerSecond: 0, tokens: 8, fault });
}

export function ask(backend: SimulatedBackend, options: object = {}): Promise<Response> {
  const messages = [{ role: 'user', content: 'hi' }];
  return fetch(`${backend.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ messages, ...options }),
  });
}

/** What fetch hides in the cause of its TypeError. */
export async function failure(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => new Error('did not fail'),
    (reason: Error) => reason,
  );
  const { cause } = error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.message;
}

/** A connection of its own: a pooled one that is closing would fail in other ways. */
export async function connecting({ port }: SimulatedBackend): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return 'connected';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  } finally {
    socket.destroy();
  }
}

/** The bytes that came before the stream ended or broke. */
export async function received(response: Response): Promise<{ text: string; broke: boolean }> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const bytes of response.body ?? []) text += decoder.decode(bytes, { stream: true });
    return { text, broke: false };
  } catch {
    return { text, broke: true };
  }
}
