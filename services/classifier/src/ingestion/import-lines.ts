import { TextDecoder } from 'node:util';
import { ExemplarLine } from '@switchyard/contracts';
import type { ImportLine } from './job-queue.js';

/** Longer than any valid exemplar can be, even with every character escaped. */
export const MAX_LINE_BYTES = 128 * 1024;

const NEWLINE = 0x0a;

/**
 * Splits bytes at newlines; a line beyond MAX_LINE_BYTES comes out as null, and never is more than
 * that and one chunk held in memory. A last line without a newline counts.
 */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array | null> {
  let parts: Uint8Array[] = [];
  let length = 0;
  const take = () => {
    const line = length > MAX_LINE_BYTES ? null : Buffer.concat(parts);
    parts = [];
    length = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      if (length <= MAX_LINE_BYTES) parts.push(chunk.subarray(start, end));
      length += end - start;
      yield take();
      start = end + 1;
    }
    if (length <= MAX_LINE_BYTES) parts.push(chunk.subarray(start));
    length += chunk.length - start;
    if (length > MAX_LINE_BYTES) parts = [];
  }
  if (length > 0) yield take();
}

/** Numbers and parses lines; blank ones are counted but not handed out. */
export async function* importLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ImportLine> {
  // A byte order mark, as Windows editors write it, is dropped.
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  let line = 0;
  for await (const bytes of splitLines(chunks)) {
    line++;
    const parsed = parseLine(bytes, utf8);
    if (parsed) yield { line, ...parsed };
  }
}

type Parsed = { exemplar: ExemplarLine } | { problem: string };

function parseLine(bytes: Uint8Array | null, utf8: TextDecoder): Parsed | undefined {
  if (bytes === null) return { problem: `line is longer than ${MAX_LINE_BYTES} bytes` };
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return { problem: 'not valid UTF-8' };
  }
  if (text.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'not valid JSON; expected {"intent": "...", "text": "..."}' };
  }
  const parsed = ExemplarLine.safeParse(value);
  if (parsed.success) return { exemplar: parsed.data };
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.');
  return { problem: `${field ? `${field}: ` : ''}${issue?.message ?? 'not an exemplar'}` };
}
