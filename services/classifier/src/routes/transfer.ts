import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { OnConflict } from '@switchyard/contracts';
import { HttpError, methodNotAllowed, parseRequest } from '@switchyard/service-kit';
import { type Request, type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { Engine } from '../engine.js';

const MAX_IMPORT_BYTES = 4 * 1024 ** 3;
/** An export that nobody reads would hold its snapshot of the store, and so the disk, forever. */
const EXPORT_STALL_MS = 60_000;

const ImportQuery = z.strictObject({ onConflict: OnConflict.optional() });

/** Everything in and everything out, as NDJSON; what is exported can be imported. */
export function transferRoutes(engine: () => Engine, admin: RequestHandler): Router {
  const router = Router();
  router
    .route('/v1/import')
    .post(admin, async (request, response) => {
      const { onConflict = 'reject' } = parseRequest(ImportQuery, request.query);
      const { id } = await engine().jobs.submit(upload(request), onConflict);
      response.status(202).location(`/v1/jobs/${id}`).json({ job: { id } });
    })
    .all(methodNotAllowed('POST'));
  router
    .route('/v1/export')
    .get(admin, async (_request, response) => {
      const { exemplars } = engine();
      response.type('application/x-ndjson');
      response.setTimeout(EXPORT_STALL_MS, () => response.destroy());
      await pipeline(Readable.from(ndjson(exemplars.lines())), response);
    })
    .all(methodNotAllowed('GET'));
  return router;
}

async function* upload(request: Request): AsyncIterable<Uint8Array> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    const message = `content-encoding: an import must be plain NDJSON, not ${encoding}`;
    throw new HttpError(415, 'unsupported_encoding', message);
  }
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    length += chunk.length;
    if (length > MAX_IMPORT_BYTES) {
      const message = `an import is at most ${MAX_IMPORT_BYTES} bytes; split it`;
      throw new HttpError(413, 'request_too_large', message);
    }
    yield chunk;
  }
}

async function* ndjson(values: AsyncIterable<unknown>): AsyncIterable<string> {
  for await (const value of values) yield `${JSON.stringify(value)}\n`;
}
