import type { IncomingMessage } from 'node:http';
import type { Exchange } from './exchange.js';

const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** `too-large` bodies are read to their end all the same, so that the client hears the answer. */
export type Body = Buffer | 'too-large' | 'client-gone';

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

export async function readBody(exchange: Exchange): Promise<Body> {
  const { req } = exchange;
  if (!hasBody(req)) return Buffer.alloc(0);
  const chunks: Buffer[] = [];
  let size = 0;
  req.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  });
  const whole = await exchange.wait((done) => {
    req.once('end', done);
  });
  if (!whole) return 'client-gone';
  if (size > MAX_BODY_BYTES) return 'too-large';
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
}
