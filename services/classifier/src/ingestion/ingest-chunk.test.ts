import { HttpError } from '@switchyard/service-kit';
import { expect, test } from 'vitest';
import type { ExemplarRegistry } from '../exemplars/exemplar-registry.js';
import { ingestInto } from './ingest-chunk.js';

/** Holds `taken` under intent `old`, and has no room for the intent `surplus`. */
function registry(): ExemplarRegistry {
  const add: ExemplarRegistry['add'] = async (lines) => {
    if (lines.some(({ intent }) => intent === 'surplus'))
      throw new HttpError(400, 'too_many_intents', 'too many');
    if (lines.some(({ text }) => text === 'overload'))
      throw new HttpError(503, 'overloaded', 'busy');
    const all = lines.map((line) => ({ ...line, id: line.text, vector: new Float32Array() }));
    const contested = all.filter(({ text, intent }) => text === 'taken' && intent !== 'old');
    return {
      added: all.filter((exemplar) => !contested.includes(exemplar)),
      duplicates: [],
      conflicts: contested.map((exemplar) => ({ exemplar, heldBy: 'old' })),
    };
  };
  return { add, version: 7 } as Partial<ExemplarRegistry> as ExemplarRegistry;
}
const handle = ingestInto(registry());
const good = (line: number, text: string, intent = 'a') => ({ line, exemplar: { intent, text } });

test('every line is counted once, and every rejected one has its own number', async () => {
  const lines = [
    good(1, 'one'),
    good(2, 'taken'),
    { line: 4, problem: 'not valid JSON' },
    good(5, 'taken'),
    good(6, 'taken', 'old'),
  ];
  const held = 'already under intent "old"';
  expect(await handle(lines, 'reject', 'key')).toEqual({
    done: 5,
    added: 2,
    duplicates: 0,
    failed: [
      { line: 4, error: 'not valid JSON' },
      { line: 2, error: held },
      { line: 5, error: held },
    ],
    version: 7,
  });
});

test('a line that would spoil the chunk is refused alone', async () => {
  const lines = [good(1, 'one'), good(2, 'two', 'surplus'), good(3, 'three')];
  expect(await handle(lines, 'reject', 'key')).toEqual({
    done: 3,
    added: 2,
    duplicates: 0,
    failed: [{ line: 2, error: 'too many' }],
    version: 7,
  });
});

test('trouble of the server is no fault of a line', async () => {
  await expect(handle([good(1, 'overload')], 'reject', 'key')).rejects.toMatchObject({
    status: 503,
  });
});
