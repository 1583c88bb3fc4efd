import type { IncomingMessage } from 'node:http';

/** RFC 9110, 7.6.1: meant for one connection. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The client's secrets are for us, and the rest is written anew for the backend. */
const NOT_FORWARDED = new Set([
  'authorization',
  'api-key',
  'x-api-key',
  'cookie',
  'host',
  'content-length',
  'expect',
  'x-request-id',
]);

const lower = (header: string) => header.toLowerCase();

const NONE: ReadonlySet<string> = new Set();

function namedByConnection(rawHeaders: readonly string[]): ReadonlySet<string> {
  let named = NONE;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (lower(rawHeaders[i] ?? '') !== 'connection') continue;
    const names = (rawHeaders[i + 1] ?? '').split(',').map((name) => lower(name.trim()));
    named = new Set([...named, ...names]);
  }
  return named;
}

/** Our own headers, then those of others that are passed on: not of this connection, nor `isOurs`. */
function merged(
  own: Readonly<Record<string, string>>,
  others: readonly string[],
  isOurs: (key: string) => boolean,
): string[] {
  const named = namedByConnection(others);
  const names = Object.keys(own);
  const kept: string[] = [];
  for (const name of names) kept.push(name, own[name] ?? '');
  for (let i = 0; i + 1 < others.length; i += 2) {
    const name = others[i] ?? '';
    const key = lower(name);
    if (HOP_BY_HOP.has(key) || isOurs(key) || names.includes(key) || named.has(key)) continue;
    kept.push(name, others[i + 1] ?? '');
  }
  return kept;
}

const isNotForwarded = (key: string) => NOT_FORWARDED.has(key);
const isOurAnswer = (key: string) => key.startsWith('x-switchyard-');

/** Flat list of names and values, as Node's `rawHeaders`. */
export const requestHeaders = (
  request: IncomingMessage,
  own: Readonly<Record<string, string>>,
): string[] => merged(own, request.rawHeaders, isNotForwarded);

/** What a backend answered, with our own headers in place of any it may have sent of that name. */
export const responseHeaders = (
  backendHeaders: readonly string[],
  own: Readonly<Record<string, string>>,
): string[] => merged(own, backendHeaders, isOurAnswer);

export function headerValue(rawHeaders: readonly string[], wanted: string): string | undefined {
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (lower(rawHeaders[i] ?? '') === wanted) return rawHeaders[i + 1];
  return undefined;
}

export const isEventStream = (rawHeaders: readonly string[]): boolean =>
  /^text\/event-stream\b/i.test(headerValue(rawHeaders, 'content-type') ?? '');
