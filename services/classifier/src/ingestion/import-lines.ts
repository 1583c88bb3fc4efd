import { ExemplarLine } from '@switchyard/contracts';
import type { ImportLine } from './job-queue.js';

/** Longer than any valid exemplar can be, even with every character escaped. */
export const MAX_LINE_BYTES = 128 * 1024;

const NEWLINE = 0x0a;

/**
 * Splits bytes at newlines; a line beyond MAX_LINE_BYTES comes out as null, and never is more than
 * that held in memory. A last line without a newline counts.
 */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<string | null> {
  let parts: Uint8Array[] = [];
  let length = 0;
  const take = () => {
    const line = length > MAX_LINE_BYTES ? null : Buffer.concat(parts).toString('utf8');
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
  let line = 0;
  for await (const text of splitLines(chunks)) {
    line++;
    if (text?.trim() !== '') yield parseLine(line, text);
  }
}

function parseLine(line: number, text: string | null): ImportLine {
  if (text === null) return { line, problem: `line is longer than ${MAX_LINE_BYTES} bytes` };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { line, problem: 'not valid JSON; expected {"intent": "...", "text": "..."}' };
  }
  const parsed = ExemplarLine.safeParse(value);
  if (parsed.success) return { line, exemplar: parsed.data };
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.');
  return { line, problem: `${field ? `${field}: ` : ''}${issue?.message ?? 'not an exemplar'}` };
}
