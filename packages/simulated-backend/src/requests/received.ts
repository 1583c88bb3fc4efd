import { createHash } from 'node:crypto';
import { ApiError } from '../errors.js';

const NOTHING = Buffer.alloc(0);
/** How much of a body is kept and echoed. */
const EXCERPT_BYTES = 65_536;

/** A request's body, parsed at most once. */
export class Received {
  readonly #raw: Buffer;
  readonly excerpt: string;
  #json: { value: unknown } | undefined;

  constructor(raw: Buffer = NOTHING) {
    this.#raw = raw;
    this.excerpt = raw.subarray(0, EXCERPT_BYTES).toString();
  }

  get bytes(): number {
    return this.#raw.length;
  }

  sha256(): string {
    return createHash('sha256').update(this.#raw).digest('hex');
  }

  json(): unknown {
    if (this.#json !== undefined) return this.#json.value;
    const text = this.#raw.length > EXCERPT_BYTES ? this.#raw.toString() : this.excerpt;
    try {
      this.#json = { value: JSON.parse(text) };
    } catch {
      throw new ApiError(400, 'invalid_json', 'We could not parse the JSON body of your request.');
    }
    return this.#json.value;
  }

  /** The JSON value, or the text where the body is no JSON or too long to be worth repeating. */
  echo(): unknown {
    if (this.#raw.length > EXCERPT_BYTES) return this.excerpt;
    try {
      return this.json();
    } catch {
      return this.excerpt;
    }
  }
}
