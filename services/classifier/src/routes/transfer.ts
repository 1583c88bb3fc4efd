import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { OnConflict } from '@switchyard/contracts';
import { HttpError, parseRequest } from '@switchyard/service-kit';
import { type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { Engine } from '../engine.js';

const MAX_IMPORT_BYTES = 4 * 1024 ** 3;

const ImportQuery = z.object({ onConflict: OnConflict.optional() });

/** Everything in and everything out, as NDJSON; what is exported can be imported. */
export function transferRoutes(engine: () => Engine, admin: RequestHandler): Router {
  return Router()
    .post('/v1/import', admin, async (request, response) => {
      const { onConflict = 'reject' } = parseRequest(ImportQuery, request.query);
      const { id } = await engine().jobs.submit(
        bounded(request.iterator({ destroyOnReturn: false })),
        onConflict,
      );
      response.status(202).location(`/v1/jobs/${id}`).json({ job: { id } });
    })
    .get('/v1/export', admin, async (_request, response) => {
      const { exemplars } = engine();
      response.type('application/x-ndjson');
      await pipeline(Readable.from(ndjson(exemplars.lines())), response);
    });
}

async function* bounded(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let length = 0;
  for await (const chunk of bytes) {
    length += chunk.length;
    if (length > MAX_IMPORT_BYTES) {
      const message = `an import is at most ${MAX_IMPORT_BYTES} bytes; split it`;
      throw new HttpError(413, 'request_too_large', message);
    }
    yield chunk;
  }
}

function* ndjson(values: Iterable<unknown>): Iterable<string> {
  for (const value of values) yield `${JSON.stringify(value)}\n`;
}
