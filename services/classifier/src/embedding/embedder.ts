export interface Embedding {
  /** L2-normalised, `dimensions` long. */
  vector: Float32Array;
  /** Tokens the model saw, [CLS] and [SEP] included. */
  tokens: number;
}

/** Turns one text into one vector; the same text gives the same vector whatever else is running. */
export interface Embedder {
  readonly dimensions: number;
  /** Identity of the model; vectors of different digests are not comparable. */
  readonly modelDigest: string;
  readonly modelName: string;
  /** Texts embedded at the same time; more than that only wait. */
  readonly parallelism: number;
  embed(text: string): Promise<Embedding>;
  close(): Promise<void>;
}
