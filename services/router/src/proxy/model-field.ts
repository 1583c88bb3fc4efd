const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

interface Member {
  start: number;
  valueStart: number;
  valueEnd: number;
  /** Of the next member, or of the closing brace. */
  next: number;
}

const isSpace = (byte: number | undefined) =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/**
 * Replaces the top-level `model` of a JSON object in place, so that every other byte stays what the
 * client sent: JSON.parse and JSON.stringify would change numbers, spacing and doubled keys.
 * `body` must be known to be valid JSON with an object at its top.
 */
export class ModelField {
  readonly #open: number;
  readonly #isEmpty: boolean;
  readonly #members: Member[] = [];

  constructor(private readonly body: Buffer) {
    this.#open = body.indexOf(OPEN_BRACE);
    let at = this.#skipSpace(this.#open + 1);
    this.#isEmpty = body[at] === CLOSE_BRACE;
    while (body[at] === QUOTE) {
      const start = at;
      const keyEnd = this.#stringEnd(start);
      const valueStart = this.#skipSpace(this.#skipSpace(keyEnd, COLON) + 1);
      const valueEnd = this.#valueEnd(valueStart);
      at = this.#skipSpace(valueEnd);
      if (body[at] === COMMA) at = this.#skipSpace(at + 1);
      if (this.#isModel(start, keyEnd))
        this.#members.push({ start, valueStart, valueEnd, next: at });
    }
  }

  /** The body with this model, or without the field. */
  with(model: string | undefined): Buffer {
    return model === undefined ? this.#without() : this.#replaced(JSON.stringify(model));
  }

  #replaced(value: string): Buffer {
    const { body } = this;
    if (this.#members.length === 0) {
      const member = Buffer.from(`"model":${value}${this.#isEmpty ? '' : ','}`);
      const head = body.subarray(0, this.#open + 1);
      return Buffer.concat([head, member, body.subarray(this.#open + 1)]);
    }
    const parts: Buffer[] = [];
    let from = 0;
    for (const { valueStart, valueEnd } of this.#members) {
      parts.push(body.subarray(from, valueStart), Buffer.from(value));
      from = valueEnd;
    }
    return Buffer.concat([...parts, body.subarray(from)]);
  }

  #without(): Buffer {
    const { body } = this;
    const parts: Buffer[] = [];
    let from = 0;
    for (const { start, next } of this.#members) {
      parts.push(body.subarray(from, start));
      from = next;
    }
    // When the last member goes, so does the comma that came before it.
    if (body[from] === CLOSE_BRACE) {
      const kept = Buffer.concat(parts);
      let end = kept.length;
      while (isSpace(kept[end - 1])) end--;
      if (kept[end - 1] === COMMA) parts.splice(0, parts.length, kept.subarray(0, end - 1));
    }
    return Buffer.concat([...parts, body.subarray(from)]);
  }

  #isModel(start: number, end: number): boolean {
    const raw = this.body.toString('utf8', start, end);
    return raw === '"model"' || (raw.includes('\\') && JSON.parse(raw) === 'model');
  }

  #skipSpace(at: number, until?: number): number {
    let next = at;
    while (isSpace(this.body[next])) next++;
    if (until !== undefined && this.body[next] !== until) throw new SyntaxError('not valid JSON');
    return next;
  }

  /** One past the closing quote of the string that starts here. */
  #stringEnd(start: number): number {
    for (let at = start + 1; ; at++) {
      at = this.body.indexOf(QUOTE, at);
      if (at < 0) throw new SyntaxError('not valid JSON');
      let backslashes = 0;
      while (this.body[at - 1 - backslashes] === BACKSLASH) backslashes++;
      if (backslashes % 2 === 0) return at + 1;
    }
  }

  #valueEnd(start: number): number {
    let depth = 0;
    for (let at = start; at < this.body.length; ) {
      const byte = this.body[at];
      if (byte === QUOTE) {
        at = this.#stringEnd(at);
        if (depth === 0) return at;
        continue;
      }
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
      else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        if (depth === 0) return at;
        if (--depth === 0) return at + 1;
      } else if (depth === 0 && (byte === COMMA || isSpace(byte))) return at;
      at++;
    }
    throw new SyntaxError('not valid JSON');
  }
}
