import { readFile } from 'node:fs/promises';
import { ExemplarLine } from '@switchyard/contracts';
import { z } from 'zod';
import type { ExemplarRegistry } from './exemplar-registry.js';

const folder = new URL('../../exemplars/', import.meta.url);

const Intents = z.record(
  z.string(),
  z.strictObject({ description: z.string(), threshold: z.number().optional() }),
);

/** Loads the shipped exemplars the way a user would add them; returns how many. */
export async function loadStarterExemplars(registry: ExemplarRegistry): Promise<number> {
  const intents = Intents.parse(
    JSON.parse(await readFile(new URL('starter-intents.json', folder), 'utf8')),
  );
  const lines = (await readFile(new URL('starter.ndjson', folder), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => ExemplarLine.parse(JSON.parse(line)));
  for (const [name, patch] of Object.entries(intents)) await registry.putIntent(name, patch);
  // Last and in one change: the store has all of the exemplars or none, and with none starts over.
  const { added } = await registry.add(lines, 'reject');
  return added.length;
}
