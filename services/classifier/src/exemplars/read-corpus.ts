import type { Corpus, CorpusSource } from './corpus.js';
import { EmbeddedTables } from './embedded-tables.js';

/** Reads a store that another process owns. */
export async function readCorpus({ path }: CorpusSource): Promise<Corpus> {
  const tables = new EmbeddedTables(path, { readOnly: true });
  try {
    return tables.corpus();
  } finally {
    await tables.close();
  }
}
