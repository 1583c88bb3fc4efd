import { headerValue } from './headers.js';

export interface TokenUsage {
  inputTokens: number;
  outputTokens: number;
}

/**
 * What comes after the usage in an answer is short: the end of an object, `[DONE]`, timings. Some
 * servers say it, or a part of it, before anything else.
 */
const KEPT_BYTES = 8 * 1024;
const FIELD = '"usage"';

/**
 * Finds the `usage` of an answer as it passes, from its first and last bytes alone, whether it is one
 * object or a stream of events. Never more than twice 8 KB and two chunks are kept.
 */
export class UsageReader {
  readonly #head: Buffer[] = [];
  #headLength = 0;
  readonly #tail: Buffer[] = [];
  #length = 0;

  /** undefined where nothing can be read: errors, compressed bodies, other types. */
  static for(status: number, headers: readonly string[]): UsageReader | undefined {
    const type = headerValue(headers, 'content-type') ?? '';
    const isReadable = /^(application\/json|text\/event-stream)\b/i.test(type);
    const isPlain = headerValue(headers, 'content-encoding') === undefined;
    return status === 200 && isReadable && isPlain ? new UsageReader() : undefined;
  }

  passed(chunk: Buffer): void {
    if (this.#headLength < KEPT_BYTES) {
      this.#head.push(chunk);
      this.#headLength += chunk.length;
    }
    this.#tail.push(chunk);
    this.#length += chunk.length;
    for (;;) {
      const [first] = this.#tail;
      if (!first || this.#length - first.length < KEPT_BYTES) return;
      this.#tail.shift();
      this.#length -= first.length;
    }
  }

  get keptBytes(): number {
    return this.#headLength + this.#length;
  }

  /** The last of each count, since a stream may tell them one by one, or again and again. */
  get usage(): TokenUsage | undefined {
    const ends = [Buffer.concat(this.#tail).subarray(-2 * KEPT_BYTES)];
    // With the first chunk still in it, the tail is all of it.
    if (this.#head[0] !== this.#tail[0])
      ends.unshift(Buffer.concat(this.#head).subarray(0, 2 * KEPT_BYTES));
    let inputTokens: number | undefined;
    let outputTokens: number | undefined;
    for (const usage of ends.flatMap((bytes) => usagesIn(bytes.toString('utf8')))) {
      inputTokens = countOf(usage, 'prompt_tokens', 'input_tokens') ?? inputTokens;
      outputTokens = countOf(usage, 'completion_tokens', 'output_tokens') ?? outputTokens;
    }
    return inputTokens === undefined ? undefined : { inputTokens, outputTokens: outputTokens ?? 0 };
  }
}

function usagesIn(text: string): Record<string, unknown>[] {
  const found: Record<string, unknown>[] = [];
  for (let at = text.indexOf(FIELD); at >= 0; at = text.indexOf(FIELD, at + 1)) {
    const usage = objectAfter(text, at + FIELD.length);
    if (typeof usage === 'object' && usage !== null) found.push(usage as Record<string, unknown>);
  }
  return found;
}

/** The JSON object that is the value of the field which ends at `from`. */
function objectAfter(text: string, from: number): unknown {
  const start = /^\s*:\s*\{/.exec(text.slice(from, from + 32));
  if (!start) return undefined;
  const begin = from + start[0].length - 1;
  // Objects in usage hold numbers, and no braces in strings.
  let depth = 0;
  for (let i = begin; i < text.length; i++) {
    if (text[i] === '{') depth++;
    else if (text[i] === '}' && --depth === 0)
      try {
        return JSON.parse(text.slice(begin, i + 1));
      } catch {
        return undefined;
      }
  }
  return undefined;
}

/** Under OpenAI's name, or Anthropic's. */
function countOf(usage: Record<string, unknown>, ...names: string[]): number | undefined {
  return names.map((name) => usage[name]).find(isCount);
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0;
