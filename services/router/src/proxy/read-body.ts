import type { IncomingMessage } from 'node:http';
import { HttpError, invalidRequest } from '@switchyard/service-kit';
import { requestTooLarge } from '../errors.js';
import { isObject, type JsonObject } from './endpoints/endpoint.js';

/** Rejects with `request_too_large` as soon as it is known, without reading on. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw requestTooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let length = 0;
  // Destroying the request would take the socket, and with it the answer that says what is wrong.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw requestTooLarge(maxBytes);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks);
}

export function parseJsonObject(request: IncomingMessage, body: Buffer): JsonObject {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity')
    throw invalidRequest(`content-encoding: send the body uncompressed, not as "${encoding}"`);
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HttpError(400, 'invalid_json', `request body is not valid JSON: ${reason}`);
  }
  if (!isObject(value)) throw invalidRequest('request body: must be a JSON object');
  return value;
}

/** The `model` of a request; null counts as absent. */
export function modelOf(body: JsonObject): string | undefined {
  const { model } = body;
  if (model === undefined || model === null) return undefined;
  if (typeof model !== 'string') throw invalidRequest('model: must be a string', 'model');
  return model;
}
