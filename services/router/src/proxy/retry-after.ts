import { headerValue } from './headers.js';

/** Statuses with which a backend may ask to be left alone for a while. */
const DEFERRING = new Set([429, 503]);

/**
 * Milliseconds for which a backend asks to be left alone: `Retry-After` of a 429 or a 503, in seconds
 * or as a date (RFC 9110, 10.2.3), or `Retry-After-Ms`, which hosted APIs send for shorter ones.
 * undefined: it does not ask, or not in a way that can be read.
 */
export function retryAfterMs(
  { status, headers }: { status: number; headers: readonly string[] },
  today: () => number = Date.now,
): number | undefined {
  if (!DEFERRING.has(status)) return undefined;
  const precise = decimal(headerValue(headers, 'retry-after-ms'));
  if (precise !== undefined) return precise;
  const given = headerValue(headers, 'retry-after');
  if (given === undefined) return undefined;
  const seconds = decimal(given);
  if (seconds !== undefined) return seconds * 1000;
  // Dates begin with the day of the week; anything else that a parser takes for a date is none.
  const date = /^[A-Z][a-z]+,? /.test(given) ? Date.parse(given) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - today());
}

const decimal = (text: string | undefined): number | undefined =>
  text !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
