import type { Behaviour } from '../settings/settings.js';
import { MAX_TOKENS } from '../settings/settings.js';

const FILLER =
  'and so the simulated answer goes on one plain word after another until its length is reached'
    .split(' ')
    .map((word) => ` ${word}`);

export interface Generation {
  /** Each with the white space before it; joined they are the text. */
  tokens: string[];
  /** `length`: the request allowed fewer tokens than the backend's own length. */
  finishReason: 'stop' | 'length';
}

/** `[name] prompt`, then filler up to `limit` tokens, or to the backend's own length without one. */
export function generate(behaviour: Behaviour, prompt: string, limit?: number): Generation {
  const length = Math.min(limit ?? behaviour.tokens, MAX_TOKENS);
  const tokens = [`[${behaviour.name}]`];
  const words = ` ${prompt.trimStart()}`.matchAll(/\s*\S+/g);
  for (const [word] of words) {
    if (tokens.length >= length) break;
    tokens.push(word);
  }
  for (let at = 0; tokens.length < length; at += 1) tokens.push(FILLER[at % FILLER.length] ?? '');
  return { tokens, finishReason: length < behaviour.tokens ? 'length' : 'stop' };
}

/** The customary estimate of four characters a token. */
export function estimateTokens(characters: number): number {
  return Math.max(1, Math.ceil(characters / 4));
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

export function usageOf(promptTokens: number, completionTokens: number): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}
