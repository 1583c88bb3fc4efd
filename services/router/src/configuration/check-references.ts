import type { z } from 'zod';
import type { FleetFile } from './schema.js';

/** What no single field shows: pools that are named but not there, doubled names, fallback loops. */
export function checkReferences(file: z.output<typeof FleetFile>): string[] {
  const problems: string[] = [];
  const names = Object.keys(file.pools);
  const requirePool = (path: string, pool: string | undefined) => {
    if (pool !== undefined && !names.includes(pool))
      problems.push(`${path}: there is no pool "${pool}"; there are ${names.join(', ')}`);
  };
  requirePool('default', file.default);
  requirePool('embeddings', file.embeddings);
  for (const [intent, pool] of Object.entries(file.routes)) requirePool(`routes.${intent}`, pool);
  for (const [name, pool] of Object.entries(file.pools)) {
    requirePool(`pools.${name}.fallback`, pool.fallback);
    const seen = new Set<string>();
    for (const [index, backend] of pool.backends.entries()) {
      if (seen.has(backend.name))
        problems.push(
          `pools.${name}.backends[${index}].name: "${backend.name}" is already in this pool`,
        );
      seen.add(backend.name);
    }
    if (fallsBackToItself(file.pools, name))
      problems.push(`pools.${name}.fallback: leads back to "${name}"`);
  }
  return problems;
}

function fallsBackToItself(
  pools: Record<string, { fallback?: string | undefined }>,
  name: string,
): boolean {
  const seen = new Set<string>();
  let next = pools[name]?.fallback;
  while (next !== undefined && !seen.has(next)) {
    if (next === name) return true;
    seen.add(next);
    next = pools[next]?.fallback;
  }
  return false;
}
