import type { IncomingMessage } from 'node:http';
import { HttpError, invalidRequest } from '@switchyard/service-kit';
import { isObject, type JsonObject } from './endpoints/endpoint.js';
import { ModelField } from './model-field.js';
import { findModelPart } from './multipart-model.js';

/** A request's body: what it says, and how it goes to a backend. */
export interface RequestBody {
  /** Empty when it is not a JSON object. */
  readonly json: JsonObject;
  /** The model asked for. */
  readonly model: string | undefined;
  /** The bytes for a backend that knows the model under this name; undefined: it has no name. */
  withModel(model: string | undefined): Buffer | undefined;
}

/** The body of an endpoint that we know: a JSON object. Throws HttpError 400 for anything else. */
export function jsonBody(request: IncomingMessage, raw: Buffer): RequestBody {
  const json = parseJsonObject(request, raw);
  const field = new ModelField(raw);
  return { json, model: modelOf(json), withModel: (model) => field.with(model) };
}

/** The body of any other endpoint: as it is, but for the model where it names one. */
export function anyBody(request: IncomingMessage, raw: Buffer): RequestBody {
  const unchanged = { json: {}, model: undefined, withModel: () => raw };
  if (raw.length === 0) return { ...unchanged, withModel: () => undefined };
  const type = request.headers['content-type'] ?? '';
  if (/^multipart\/form-data\b/i.test(type)) return multipartBody(raw, type) ?? unchanged;
  if (!/\bjson\b/i.test(type)) return unchanged;
  try {
    const body = jsonBody(request, raw);
    return body.model === undefined ? { ...body, withModel: () => raw } : body;
  } catch {
    return unchanged;
  }
}

function multipartBody(raw: Buffer, type: string): RequestBody | undefined {
  const part = findModelPart(raw, type);
  if (!part) return undefined;
  const asked = raw.toString('utf8', part.start, part.end).trim();
  const before = raw.subarray(0, part.start);
  const after = raw.subarray(part.end);
  return {
    json: {},
    model: asked === '' ? undefined : asked,
    withModel: (model) => Buffer.concat([before, Buffer.from(model ?? asked), after]),
  };
}

/** Throws HttpError 400 naming what is wrong with it. */
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
