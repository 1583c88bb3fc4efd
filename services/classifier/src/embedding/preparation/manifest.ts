import { z } from 'zod';
import { modelDigest, sha256 } from './model-identity.js';
import {
  CONFIG_FILE,
  GRAPH_FILES,
  type ModelFiles,
  TOKENIZER_CONFIG_FILE,
  TOKENIZER_FILE,
} from './model-layout.js';
import { type ModelSource, SOURCE_PACKAGE } from './model-source.js';

/** Grows whenever the same weights would give other files; older folders are then prepared again. */
export const PREPARATION_FORMAT = 2;

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const fileSchema = z.strictObject({ bytes: z.int().positive(), sha256: hash });

const manifestSchema = z.strictObject({
  preparationFormat: z.literal(PREPARATION_FORMAT),
  digest: hash,
  dimensions: z.int().positive(),
  source: z.strictObject({ package: z.string(), weightsSha256: hash }),
  files: z.strictObject({
    [CONFIG_FILE]: fileSchema,
    [TOKENIZER_FILE]: fileSchema,
    [TOKENIZER_CONFIG_FILE]: fileSchema,
    [GRAPH_FILES.q8]: fileSchema,
  }),
});

export type Manifest = z.infer<typeof manifestSchema>;

export function createManifest(source: ModelSource, files: ModelFiles): Manifest {
  const entries = [...files].map(([path, content]) => [
    path,
    { bytes: content.length, sha256: sha256(content) },
  ]);
  const described = manifestSchema.shape.files.parse(Object.fromEntries(entries));
  return {
    preparationFormat: PREPARATION_FORMAT,
    digest: digestOf(described),
    dimensions: source.dimensions,
    source: { package: SOURCE_PACKAGE, weightsSha256: sha256(source.weights) },
    files: described,
  };
}

/** The manifest in `text`, or in one phrase why it is none. */
export function parseManifest(text: string): Manifest | { problem: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { problem: 'is not JSON' };
  }
  const { data: version } = z.object({ preparationFormat: z.int() }).safeParse(json);
  if (version && version.preparationFormat !== PREPARATION_FORMAT) {
    return { problem: `is of format ${version.preparationFormat}, not ${PREPARATION_FORMAT}` };
  }
  const manifest = manifestSchema.safeParse(json);
  if (!manifest.success) {
    const [issue] = manifest.error.issues;
    return { problem: `is not valid at "${issue?.path.join('.')}"` };
  }
  if (manifest.data.digest !== digestOf(manifest.data.files)) {
    return { problem: 'has a digest that is not that of its files' };
  }
  return manifest.data;
}

function digestOf(files: Manifest['files']): string {
  const hashes = new Map(Object.entries(files).map(([path, file]) => [path, file.sha256]));
  return modelDigest('q8', hashes);
}
