import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { headerValue, requestHeaders, responseHeaders } from './headers.js';

const onward = (rawHeaders: string[], own: Record<string, string> = {}) =>
  requestHeaders({ rawHeaders } as IncomingMessage, own);

describe('of a request', () => {
  test.each([
    'Connection',
    'Keep-Alive',
    'Proxy-Authorization',
    'Proxy-Connection',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'Authorization',
    'Api-Key',
    'X-API-Key',
    'Cookie',
    'Host',
    'Content-Length',
    'Expect',
    'X-Request-Id',
  ])('%s goes no further, however it is written', (name) => {
    const rawHeaders = [name, 'v', name.toLowerCase(), 'v', name.toUpperCase(), 'v', 'X-Kept', 'v'];
    expect(onward(rawHeaders)).toEqual(['X-Kept', 'v']);
  });

  test('what Connection names goes no further, from any of its lines', () => {
    const rawHeaders = [
      ...['X-One', '1', 'Connection', 'close, x-ONE ,X-Two', 'x-two', '2'],
      ...['X-Three', '3', 'connection', 'X-Three', 'X-Four', '4'],
    ];
    expect(onward(rawHeaders)).toEqual(['X-Four', '4']);
  });

  test('the others keep order, case, doubles and empty values', () => {
    const rawHeaders = [
      'Accept',
      'a',
      'X-b',
      '',
      'accept',
      'c',
      'Content-Type',
      'application/json',
    ];
    expect(onward(rawHeaders)).toEqual(rawHeaders);
  });

  test('a backend gets its own key, never the one of the client', () => {
    const rawHeaders = ['authorization', 'Bearer mine', 'x-request-id', 'forged'];
    const own = { 'x-request-id': 'ours', authorization: 'Bearer backend' };
    expect(onward(rawHeaders, own)).toEqual([
      ...['x-request-id', 'ours'],
      ...['authorization', 'Bearer backend'],
    ]);
  });
});

describe('of a response', () => {
  test('hop-by-hop headers and what Connection names stay here', () => {
    const rawHeaders = [
      ...['Connection', 'keep-alive, X-Internal', 'Keep-Alive', 'timeout=5', 'X-Internal', 'x'],
      ...['Transfer-Encoding', 'chunked', 'Trailer', 't', 'Upgrade', 'h2c'],
      ...['Proxy-Authenticate', 'Basic', 'Content-Length', '3'],
    ];
    expect(responseHeaders(rawHeaders, {})).toEqual(['Content-Length', '3']);
  });

  test('doubles such as Set-Cookie are all kept, in their order', () => {
    const rawHeaders = ['Set-Cookie', 'a=1', 'X', 'y', 'set-cookie', 'b=2', 'Set-Cookie', 'a=1'];
    expect(responseHeaders(rawHeaders, {})).toEqual(rawHeaders);
  });

  test('only we say how we routed, and our request id wins', () => {
    const rawHeaders = [
      ...['X-Switchyard-Pool', 'forged', 'x-switchyard-anything', 'forged'],
      ...['X-Request-ID', 'theirs', 'constructor', 'kept', 'X-Other', 'kept'],
    ];
    expect(responseHeaders(rawHeaders, { 'x-request-id': 'r', 'x-switchyard-pool': 'p' })).toEqual([
      ...['x-request-id', 'r', 'x-switchyard-pool', 'p'],
      ...['constructor', 'kept', 'X-Other', 'kept'],
    ]);
  });
});

test('headerValue finds the first of a name in any case', () => {
  const rawHeaders = ['A', '1', 'Content-TYPE', 'x', 'content-type', 'y'];
  expect(headerValue(rawHeaders, 'content-type')).toBe('x');
  expect(headerValue(rawHeaders, 'b')).toBeUndefined();
});
