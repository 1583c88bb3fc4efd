import type { Behaviour } from '../settings/settings.js';

/** Milliseconds from the first token to the last: (tokens - 1) / tokensPerSecond * 1000. */
export function durationMs({ tokensPerSecond }: Behaviour, tokens: number): number {
  return tokensPerSecond === 0 || tokens <= 1 ? 0 : ((tokens - 1) * 1000) / tokensPerSecond;
}

/** How many tokens are out `elapsedMs` after the first one. */
export function tokensDue({ tokensPerSecond }: Behaviour, elapsedMs: number): number {
  if (tokensPerSecond === 0) return Number.POSITIVE_INFINITY;
  return Math.floor((elapsedMs * tokensPerSecond) / 1000) + 1;
}
