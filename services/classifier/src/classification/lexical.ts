/** Dimensions that words are hashed into. */
export const LEXICAL_DIMENSIONS = 1024;
/** |0.5 u|: what the words weigh beside the embedding, whose length is 1. */
const WEIGHT = 0.5;
/** Document frequencies are counted in 2^18 buckets: 1 MB, however many words there are. */
const FREQUENCY_BITS = 18;
const FREQUENCY_BUCKETS = 2 ** FREQUENCY_BITS;
/** Words that count, of a text of any length. */
const MAX_WORDS = 1024;
/** A run of letters, marks and digits; scripts without spaces between words give single characters. */
const WORDS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{M}\p{N}_']+/gu;

/** Values at some of the dimensions. */
export interface SparseVector {
  indices: Uint16Array;
  values: Float32Array;
}

/** LexicalFeatures to be stored: without the buckets of which no text has a gram. */
export interface CompactFeatures {
  documents: number;
  buckets: Uint32Array;
  /** Of each of the buckets. */
  frequencies: Uint32Array;
}

/** The word unigrams and bigrams of one text: each one's hash, and how often it is there. */
export interface Grams {
  hashes: Uint32Array;
  counts: Uint16Array;
}

export function gramsOf(text: string): Grams {
  const counts = new Map<number, number>();
  const count = (gram: string) => {
    const hash = hashOf(gram);
    counts.set(hash, (counts.get(hash) ?? 0) + 1);
  };
  let previous = '^';
  let words = 0;
  for (const [word] of text.toLowerCase().replaceAll('’', "'").matchAll(WORDS)) {
    count(`w${word}`);
    count(`b${previous} ${word}`);
    previous = word;
    if (++words === MAX_WORDS) break;
  }
  count(`b${previous} $`);
  return { hashes: Uint32Array.from(counts.keys()), counts: Uint16Array.from(counts.values()) };
}

/** FNV-1a over UTF-16 units, then a finalizer as in MurmurHash3, since all bits are used. */
function hashOf(gram: string): number {
  let hash = 2166136261;
  for (let i = 0; i < gram.length; i++) {
    hash ^= gram.charCodeAt(i);
    hash = Math.imul(hash, 16777619);
  }
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 2246822519);
  hash ^= hash >>> 13;
  return hash >>> 0;
}

const bucketOf = (hash: number) => hash >>> (32 - FREQUENCY_BITS);

/**
 * TF-IDF of word unigrams and bigrams, sign-hashed (Weinberger et al., 2009) into
 * LEXICAL_DIMENSIONS: tf = 1 + ln(count), idf = 1 + ln((1 + N) / (1 + documents with the gram)),
 * scaled to length WEIGHT. The frequencies belong to the texts a head was trained on.
 */
export class LexicalFeatures {
  constructor(
    /** N: texts that were counted. */
    readonly documents: number,
    /** Bucket -> texts with a gram of it. */
    readonly frequencies: Uint32Array,
  ) {}

  static count(texts: Iterable<Grams>): LexicalFeatures {
    const frequencies = new Uint32Array(FREQUENCY_BUCKETS);
    let documents = 0;
    for (const grams of texts) {
      documents++;
      for (const hash of grams.hashes) {
        const bucket = bucketOf(hash);
        frequencies[bucket] = (frequencies[bucket] ?? 0) + 1;
      }
    }
    return new LexicalFeatures(documents, frequencies);
  }

  static from({ documents, buckets, frequencies }: CompactFeatures): LexicalFeatures {
    const all = new Uint32Array(FREQUENCY_BUCKETS);
    for (const [i, bucket] of buckets.entries()) all[bucket] = frequencies[i] as number;
    return new LexicalFeatures(documents, all);
  }

  compact(): CompactFeatures {
    const used: number[] = [];
    for (let bucket = 0; bucket < FREQUENCY_BUCKETS; bucket++)
      if (this.frequencies[bucket] !== 0) used.push(bucket);
    return {
      documents: this.documents,
      buckets: Uint32Array.from(used),
      frequencies: Uint32Array.from(used, (bucket) => this.frequencies[bucket] as number),
    };
  }

  vector({ hashes, counts }: Grams): SparseVector {
    const indices = new Uint16Array(hashes.length);
    const values = new Float32Array(hashes.length);
    let squares = 0;
    for (let i = 0; i < hashes.length; i++) {
      const hash = hashes[i] as number;
      const frequency = this.frequencies[bucketOf(hash)] as number;
      const idf = 1 + Math.log((1 + this.documents) / (1 + frequency));
      const value = (1 + Math.log(counts[i] as number)) * idf;
      squares += value * value;
      indices[i] = hash % LEXICAL_DIMENSIONS;
      values[i] = (hash >>> 20) & 1 ? value : -value;
    }
    const scale = WEIGHT / (Math.sqrt(squares) || 1);
    for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) * scale;
    return { indices, values };
  }
}
