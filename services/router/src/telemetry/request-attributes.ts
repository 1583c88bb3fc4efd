import type { Attributes } from '@opentelemetry/api';
import type { RequestRecord } from '../proxy/request-record.js';

/** `gen_ai.operation.name` of the OpenTelemetry semantic conventions. */
const OPERATIONS: Readonly<Record<string, string>> = {
  '/v1/chat/completions': 'chat',
  '/v1/messages': 'chat',
  '/v1/responses': 'chat',
  '/v1/completions': 'text_completion',
  '/v1/embeddings': 'embeddings',
};

export const operationOf = ({ path }: RequestRecord): string | undefined => OPERATIONS[path];

/** What is known of a request at its end, as attributes of its span; undefined ones are left out. */
export function requestAttributes(record: RequestRecord): Attributes {
  const { decision, usage } = record;
  return {
    'http.request.method': record.method,
    'url.path': record.path,
    'http.response.status_code': record.status,
    'gen_ai.operation.name': operationOf(record),
    'gen_ai.request.model': record.askedModel,
    'gen_ai.response.model': record.model,
    'gen_ai.usage.input_tokens': usage?.inputTokens,
    'gen_ai.usage.output_tokens': usage?.outputTokens,
    'switchyard.request_id': record.requestId,
    'switchyard.client': record.client,
    'switchyard.source': decision?.source,
    'switchyard.intent': decision?.intent,
    'switchyard.confidence': decision?.confidence,
    'switchyard.pool': record.pool,
    'switchyard.backend': record.backend,
    'switchyard.variant': record.variant,
    'switchyard.attempts': record.attempts,
    'switchyard.outcome': record.outcome,
    'switchyard.classify_ms': decision?.classifyMs,
    'switchyard.queued_ms': record.queuedMs,
    'switchyard.first_byte_ms': record.firstByteMs,
    'switchyard.total_ms': record.totalMs,
  };
}
