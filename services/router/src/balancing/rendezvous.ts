import { hash } from 'node:crypto';
import { exponentialRace } from './exponential-race.js';

const HEX_DIGITS = 13;
const STEPS = 16 ** HEX_DIGITS;

/**
 * Weighted rendezvous hashing (highest random weight: Thaler and Ravishankar, 1998; weights:
 * Schindelhauer and Schomaker, 2005): nodes by score -weight / ln(h), highest first, with h in (0, 1)
 * a hash of key and node. A key's ranking depends on nothing but the ids and weights, so it is the
 * same in every process and after every restart. A node that comes or goes moves only the keys that
 * it wins or held; a weight that grows takes keys and moves none between others.
 */
export const rendezvous = <Node extends { readonly id: string; readonly weight: number }>(
  key: string,
  nodes: readonly Node[],
): Node[] => exponentialRace(nodes, ({ id }) => uniformHash(`${id}\n${key}`));

/** In (0, 1): the first 52 bits of SHA-256, in the middle of their step. An id has no line break. */
export const uniformHash = (text: string): number =>
  (Number.parseInt(hash('sha256', text).slice(0, HEX_DIGITS), 16) + 0.5) / STEPS;
