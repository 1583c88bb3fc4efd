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

function namedByConnection(rawHeaders: readonly string[]): Set<string> {
  const named = new Set<string>();
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (lower(rawHeaders[i] ?? '') === 'connection')
      for (const name of (rawHeaders[i + 1] ?? '').split(',')) named.add(lower(name.trim()));
  return named;
}

/** Flat list of names and values, as Node's `rawHeaders`. */
export function requestHeaders(
  request: IncomingMessage,
  own: Readonly<Record<string, string>>,
): string[] {
  const named = namedByConnection(request.rawHeaders);
  const kept = Object.entries(own).flat();
  eachHeader(request.rawHeaders, (name, value) => {
    const key = lower(name);
    if (Object.hasOwn(own, key)) return;
    if (!HOP_BY_HOP.has(key) && !NOT_FORWARDED.has(key) && !named.has(key)) kept.push(name, value);
  });
  return kept;
}

/** What a backend answered, with our own headers in place of any it may have sent of that name. */
export function responseHeaders(
  backendHeaders: readonly string[],
  own: Readonly<Record<string, string>>,
): string[] {
  const named = namedByConnection(backendHeaders);
  const kept = Object.entries(own).flat();
  eachHeader(backendHeaders, (name, value) => {
    const key = lower(name);
    const ours = Object.hasOwn(own, key) || key.startsWith('x-switchyard-');
    if (!HOP_BY_HOP.has(key) && !ours && !named.has(key)) kept.push(name, value);
  });
  return kept;
}

export function headerValue(rawHeaders: readonly string[], wanted: string): string | undefined {
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (lower(rawHeaders[i] ?? '') === wanted) return rawHeaders[i + 1];
  return undefined;
}

export const isEventStream = (rawHeaders: readonly string[]): boolean =>
  /^text\/event-stream\b/i.test(headerValue(rawHeaders, 'content-type') ?? '');

function eachHeader(
  rawHeaders: readonly string[],
  visit: (name: string, value: string) => void,
): void {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2)
    visit(rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '');
}
