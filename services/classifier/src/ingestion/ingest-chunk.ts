import type { ExemplarLine, OnConflict } from '@switchyard/contracts';
import { HttpError } from '@switchyard/service-kit';
import type { ExemplarRegistry } from '../exemplars/exemplar-registry.js';
import type { ChunkHandler, ChunkResult } from './job-queue.js';

/** The ingestion handler; it knows the exemplars and no queue. */
export function ingestInto(registry: ExemplarRegistry): ChunkHandler {
  return async (lines, onConflict, key) => {
    const failed: ChunkResult['failed'] = [];
    const good: { line: number; exemplar: ExemplarLine }[] = [];
    for (const { line, ...rest } of lines) {
      if (rest.problem !== undefined) failed.push({ line, error: rest.problem });
      else good.push({ line, exemplar: rest.exemplar });
    }
    const counts = await addLines(registry, good, { onConflict, key }, failed);
    return { done: lines.length, ...counts, failed, version: registry.version };
  };
}

/** Adds in one change; when that is refused, line by line, so that one line never stops the rest. */
async function addLines(
  registry: ExemplarRegistry,
  lines: readonly { line: number; exemplar: ExemplarLine }[],
  how: { onConflict: OnConflict; key: string },
  failed: ChunkResult['failed'],
): Promise<{ added: number; duplicates: number }> {
  if (lines.length === 0) return { added: 0, duplicates: 0 };
  try {
    const outcome = await registry.add(
      lines.map(({ exemplar }) => exemplar),
      how.onConflict,
      { idempotencyKey: how.key },
    );
    const unreported = [...lines];
    for (const { exemplar, heldBy } of outcome.conflicts) {
      // A conflict that stands there twice is two lines: each is taken once, in order.
      const at = unreported.findIndex(({ exemplar: { intent, text } }) => {
        return text === exemplar.text && intent === exemplar.intent;
      });
      const [entry] = unreported.splice(at, 1);
      failed.push({ line: entry?.line ?? 0, error: `already under intent "${heldBy}"` });
    }
    return { added: outcome.added.length, duplicates: outcome.duplicates.length };
  } catch (error) {
    if (!(error instanceof HttpError) || error.status >= 500) throw error;
    if (lines.length === 1) {
      failed.push({ line: lines[0]?.line ?? 0, error: error.message });
      return { added: 0, duplicates: 0 };
    }
    const total = { added: 0, duplicates: 0 };
    for (const line of lines) {
      const one = await addLines(
        registry,
        [line],
        { ...how, key: `${how.key}:${line.line}` },
        failed,
      );
      total.added += one.added;
      total.duplicates += one.duplicates;
    }
    return total;
  }
}
