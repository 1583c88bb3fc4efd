import type { Dispatcher } from 'undici';
import { z } from 'zod';
import type { Backend } from './backend.js';
import { getJson } from './bounded-json.js';

/** Of llama.cpp's server: requests that it works on at a time. */
const Props = z.object({ total_slots: z.int().min(1) });

/**
 * Asks a backend without a configured capacity how much it takes at a time. `all` are the backends of
 * the fleet: one server in several pools splits its slots between them. One that does not say keeps
 * what is known of it.
 */
export async function discoverSlots(
  backend: Backend,
  all: readonly Backend[],
  dispatcher: Dispatcher,
  timeoutMs: number,
): Promise<void> {
  try {
    const answer = await getJson(backend, '/props', dispatcher, timeoutMs);
    if (answer === undefined) return;
    backend.discoveredCapacity = shareOf(backend, all, Props.parse(answer).total_slots);
  } catch {
    // Most servers have no such endpoint, and one that fails now is asked again with a later probe.
  }
}

/** What the others have not been given, split evenly; at least one, or nothing could be sent there. */
function shareOf(backend: Backend, all: readonly Backend[], slots: number): number {
  const same = all.filter(({ url }) => url === backend.url);
  const given = same.reduce((sum, { configuredCapacity = 0 }) => sum + configuredCapacity, 0);
  const sharing = same.filter(({ configuredCapacity }) => configuredCapacity === undefined);
  const left = Math.max(0, slots - given);
  const extra = sharing.indexOf(backend) < left % sharing.length ? 1 : 0;
  return Math.max(1, Math.floor(left / sharing.length) + extra);
}
