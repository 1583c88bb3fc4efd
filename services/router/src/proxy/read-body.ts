import type { IncomingMessage } from 'node:http';
import { requestTooLarge, tooManyBodies } from '../errors.js';
import type { BodyShare } from './body-budget.js';

/**
 * Rejects with `request_too_large`, or `overloaded` when other bodies take all there is, as soon as it
 * is known, without reading on.
 */
export function readBody(
  request: IncomingMessage,
  maxBytes: number,
  share: BodyShare,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise((resolve, reject) => {
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced > maxBytes) throw requestTooLarge(maxBytes);
    if (!share.holds(announced)) throw tooManyBodies();
    // It may have gone before anybody listened.
    if (request.destroyed && !request.readableEnded) throw new Error('the client is gone');
    const take = (chunk: Buffer) => {
      length += chunk.length;
      const fits = length <= maxBytes;
      if (fits && (length <= announced || share.holds(length))) {
        chunks.push(chunk);
        return;
      }
      // Destroying the request would take the socket, and with it the answer that says what is wrong.
      request.off('data', take).pause();
      reject(fits ? tooManyBodies() : requestTooLarge(maxBytes));
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
