import type { RedisLocation } from '@switchyard/service-kit';
import type { StoredExemplar } from './exemplar.js';

/** Where another process finds the exemplars of a store: plain data, to be sent to it. */
export type CorpusSource =
  | { kind: 'embedded'; path: string; modelDigest: string }
  | { kind: 'redis'; location: RedisLocation; prefix: string; modelDigest: string };

/** All exemplars as they were at one version. */
export interface Corpus {
  version: number;
  exemplars: StoredExemplar[];
}
