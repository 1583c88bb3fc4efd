/** Why a request goes where it goes; the values of `x-switchyard-source`. */
export type Source = 'explicit' | 'classifier' | 'cache' | 'keyword' | 'default';

export interface Decision {
  pool: string;
  source: Source;
  intent?: string | undefined;
  /** 0 to 1; only of a classification. */
  confidence?: number | undefined;
  /** One sentence for people. */
  reason: string;
  /** Asked for by name: in `pool` and `otherPools` only backends that serve it. */
  model?: string | undefined;
  otherPools?: readonly string[] | undefined;
  /** Time spent on classifying, cache look-ups included. */
  classifyMs: number;
}
