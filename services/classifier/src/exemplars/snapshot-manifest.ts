import { z } from 'zod';
import { EF_CONSTRUCTION, M } from './hnsw-graph.js';

/** Raised when the files of a snapshot change their meaning. */
const FORMAT = 1;

const FileContent = z.object({ sha256: z.string(), bytes: z.int() });
export type FileContent = z.infer<typeof FileContent>;

/** What makes vectors and graphs comparable. */
const Kind = z.object({
  format: z.int(),
  modelDigest: z.string(),
  dimensions: z.int(),
  m: z.int(),
  efConstruction: z.int(),
});
type Kind = z.infer<typeof Kind>;

export const SnapshotManifest = Kind.extend({
  /** The snapshot is what the exemplars were at this version. */
  version: z.int(),
  count: z.int(),
  graph: FileContent,
  table: FileContent,
});
export type SnapshotManifest = z.infer<typeof SnapshotManifest>;

export const kindOf = (modelDigest: string, dimensions: number): Kind => ({
  format: FORMAT,
  modelDigest,
  dimensions,
  m: M,
  efConstruction: EF_CONSTRUCTION,
});

/** Why a snapshot of one kind is of no use to another, or undefined. */
export function difference(found: Kind, wanted: Kind): string | undefined {
  const keys = Object.keys(wanted) as (keyof Kind)[];
  const differing = keys.filter((key) => found[key] !== wanted[key]);
  if (differing.length === 0) return undefined;
  return differing.map((key) => `its ${key} is ${found[key]}, not ${wanted[key]}`).join(', ');
}
