import type { IncomingMessage } from 'node:http';
import { requestTooLarge } from '../errors.js';

/** Rejects with `request_too_large` as soon as it is known, without reading on. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw requestTooLarge(maxBytes);
    // It may have gone before anybody listened.
    if (request.destroyed && !request.readableEnded) throw new Error('the client is gone');
    const take = (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) {
        chunks.push(chunk);
        return;
      }
      // Destroying the request would take the socket, and with it the answer that says what is wrong.
      request.off('data', take).pause();
      reject(requestTooLarge(maxBytes));
    };
    request
      .on('data', take)
      .once('end', () =>
        resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)),
      )
      .once('error', reject)
      .once('close', () => {
        // Without a need an error would take a stack trace of every request.
        if (!request.readableEnded) reject(new Error('the client is gone'));
      });
  });
}
