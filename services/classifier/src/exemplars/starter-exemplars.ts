import { readFile } from 'node:fs/promises';
import { ExemplarLine } from '@switchyard/contracts';
import { ConfigError } from '@switchyard/service-kit';
import { z } from 'zod';
import type { ExemplarRegistry } from './exemplar-registry.js';

const folder = new URL('../../exemplars/', import.meta.url);

const Intents = z.record(
  z.string(),
  z.strictObject({ description: z.string(), threshold: z.number().optional() }),
);

/**
 * Loads the shipped exemplars the way a user would add them; returns how many. Throws ConfigError,
 * before anything is stored, when their intents would be too many.
 */
export async function loadStarterExemplars(
  registry: ExemplarRegistry,
  maxIntents: number,
): Promise<number> {
  const intents = Intents.parse(
    JSON.parse(await readFile(new URL('starter-intents.json', folder), 'utf8')),
  );
  const lines = (await readFile(new URL('starter.ndjson', folder), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => ExemplarLine.parse(JSON.parse(line)));
  const names = new Set([...Object.keys(intents), ...registry.intents().map(({ name }) => name)]);
  if (names.size > maxIntents)
    throw new ConfigError([
      `MAX_INTENTS: with the starter exemplars there would be ${names.size} intents; ` +
        'raise it, or set STARTER_EXEMPLARS=off',
    ]);
  for (const [name, patch] of Object.entries(intents)) await registry.putIntent(name, patch);
  // Last and in one change: the store has all of the exemplars or none, and with none starts over.
  const { added } = await registry.add(lines, 'reject');
  return added.length;
}
