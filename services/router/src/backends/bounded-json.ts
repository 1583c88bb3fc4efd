import type { Dispatcher } from 'undici';
import type { Backend } from './backend.js';

const MAX_BYTES = 4 * 1024 * 1024;

/** What a backend answers to `GET path`, parsed; undefined when it is not 200. Throws when it is no JSON. */
export async function getJson(
  backend: Backend,
  path: string,
  dispatcher: Dispatcher,
  timeoutMs: number,
): Promise<unknown> {
  const { statusCode, headers, body } = await dispatcher.request({
    origin: new URL(backend.url).origin,
    path: new URL(backend.url + path).pathname,
    method: 'GET',
    headers: backend.authorization,
    reset: true,
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (statusCode !== 200 || Number(headers['content-length'] ?? 0) > MAX_BYTES) {
    await body.dump({ limit: 64 * 1024 });
    return undefined;
  }
  return JSON.parse(await boundedText(body));
}

async function boundedText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > MAX_BYTES) throw new RangeError('answer too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
