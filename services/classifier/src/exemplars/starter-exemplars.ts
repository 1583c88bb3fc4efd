import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExemplarLine } from '@switchyard/contracts';
import { ConfigError, type Logger } from '@switchyard/service-kit';
import { z } from 'zod';
import type { Catalog } from './catalog.js';
import type { ExemplarRegistry } from './exemplar-registry.js';
import type { ExemplarStore } from './exemplar-store.js';

const folder = new URL('../../exemplars/', import.meta.url);

const Intents = z.record(
  z.string(),
  z.strictObject({ description: z.string(), threshold: z.number().optional() }),
);

/** Between two looks at what another replica does. */
const PAUSE_MS = 100;

export interface StarterOptions {
  store: ExemplarStore;
  catalog: Catalog;
  exemplars: ExemplarRegistry;
  maxIntents: number;
  logger: Logger;
}

/**
 * Loads the shipped exemplars where there are none; of several replicas one does, and the others
 * wait. Rejects with ConfigError, before anything is stored, when their intents would be too many.
 */
export async function loadStarterExemplars(options: StarterOptions): Promise<void> {
  const { store, catalog, exemplars, maxIntents, logger } = options;
  while (catalog.size === 0) {
    const claim = await store.claim('starter-exemplars');
    if (!claim) {
      await sleep(PAUSE_MS);
      continue;
    }
    try {
      await store.caughtUp();
      if (catalog.size > 0) return;
      const added = await addStarterExemplars(exemplars, maxIntents);
      logger.info({ added }, 'loaded the starter exemplars');
      return;
    } finally {
      await claim.release();
    }
  }
}

async function addStarterExemplars(
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
