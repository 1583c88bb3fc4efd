import { headerValue } from './headers.js';

export interface TokenUsage {
  inputTokens: number;
  outputTokens: number;
}

/** What comes after the usage in an answer is short: the end of an object, `[DONE]`, timings. */
const KEPT_BYTES = 8 * 1024;
const FIELD = '"usage"';

/**
 * Finds the `usage` of an answer as it passes, from its last bytes alone, whether it is one object or
 * a stream of events. Never more than 8 KB and the last chunk are kept.
 */
export class UsageReader {
  #tail: Buffer[] = [];
  #length = 0;

  /** undefined where nothing can be read: errors, compressed bodies, other types. */
  static for(status: number, headers: readonly string[]): UsageReader | undefined {
    const type = headerValue(headers, 'content-type') ?? '';
    const isReadable = /^(application\/json|text\/event-stream)\b/i.test(type);
    const isPlain = headerValue(headers, 'content-encoding') === undefined;
    return status === 200 && isReadable && isPlain ? new UsageReader() : undefined;
  }

  passed(chunk: Buffer): void {
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
    return this.#length;
  }

  get usage(): TokenUsage | undefined {
    const text = Buffer.concat(this.#tail)
      .subarray(-2 * KEPT_BYTES)
      .toString('utf8');
    for (let at = text.lastIndexOf(FIELD); at >= 0; at = text.lastIndexOf(FIELD, at - 1)) {
      const usage = toUsage(objectAfter(text, at + FIELD.length));
      if (usage) return usage;
      if (at === 0) break;
    }
    return undefined;
  }
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

/** OpenAI's names, or Anthropic's. */
function toUsage(found: unknown): TokenUsage | undefined {
  if (typeof found !== 'object' || found === null) return undefined;
  const fields = found as Record<string, unknown>;
  const input = fields.prompt_tokens ?? fields.input_tokens;
  const output = fields.completion_tokens ?? fields.output_tokens ?? 0;
  if (!isCount(input) || !isCount(output)) return undefined;
  return { inputTokens: input, outputTokens: output };
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0;
