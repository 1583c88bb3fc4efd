import type { Dispatcher } from 'undici';
import { z } from 'zod';
import type { Backend } from './backend.js';

const MAX_BYTES = 4 * 1024 * 1024;
const MAX_MODELS = 1000;

const ModelList = z.object({ data: z.array(z.object({ id: z.string().min(1) })) });

/** Asks a backend which models it serves; one that does not say keeps what is known of it. */
export async function discoverModels(
  backend: Backend,
  dispatcher: Dispatcher,
  timeoutMs: number,
): Promise<void> {
  try {
    const { statusCode, headers, body } = await dispatcher.request({
      origin: new URL(backend.url).origin,
      path: new URL(`${backend.url}/v1/models`).pathname,
      method: 'GET',
      headers: backend.authorization,
      reset: true,
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (statusCode !== 200 || Number(headers['content-length'] ?? 0) > MAX_BYTES) {
      await body.dump({ limit: 64 * 1024 });
      return;
    }
    const { data } = ModelList.parse(JSON.parse(await boundedText(body)));
    backend.discoveredModels = data.slice(0, MAX_MODELS).map(({ id }) => id);
  } catch {
    // Not every server has the endpoint, and one that fails now is asked again with a later probe.
  }
}

async function boundedText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > MAX_BYTES) throw new RangeError('model list too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
