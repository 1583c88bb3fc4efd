export interface Embedding {
  /** What texts are compared by: L2-normalised, `dimensions` long. */
  vector: Float32Array;
  /** The model's own embedding, as sentence-transformers gives it: L2-normalised, `dimensions` long. */
  sentence: Float32Array;
  /** Tokens the model saw, [CLS] and [SEP] included. */
  tokens: number;
}

/** Bulk texts get what computing time live ones leave. */
export type Priority = 'live' | 'bulk';

export interface EmbedOptions {
  /** Aborts when nobody wants the vector any more; a text that still waits is then dropped. */
  signal?: AbortSignal | undefined;
  /** `live` unless said. */
  priority?: Priority | undefined;
}

/** Turns one text into one vector; the same text gives the same vector whatever else is running. */
export interface Embedder {
  readonly dimensions: number;
  /** Identity of the model; vectors of different digests are not comparable. */
  readonly modelDigest: string;
  readonly modelName: string;
  /** Texts embedded at the same time; more than that only wait. */
  readonly parallelism: number;
  embed(text: string, options?: EmbedOptions): Promise<Embedding>;
  close(): Promise<void>;
}
