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
    problems.push(...variantProblems(`pools.${name}`, pool));
    problems.push(...shadowProblems(`pools.${name}.shadow`, name, pool, file.pools));
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

type Pools = z.output<typeof FleetFile>['pools'];

function variantProblems(path: string, { variants, backends }: Pools[string]): string[] {
  if (!variants) return [];
  const names = backends.map(({ name }) => name);
  const used = new Set<string>();
  const problems: string[] = [];
  for (const [variant, { backends: listed = names }] of Object.entries(variants))
    for (const [index, name] of listed.entries()) {
      used.add(name);
      if (!names.includes(name))
        problems.push(
          `${path}.variants.${variant}.backends[${index}]: the pool has no backend "${name}"; it has ${names.join(', ')}`,
        );
    }
  const idle = names.filter((name) => !used.has(name));
  if (idle.length > 0)
    problems.push(`${path}.variants: no variant has ${idle.join(', ')}, so nothing would go there`);
  return problems;
}

function shadowProblems(
  path: string,
  own: string,
  { shadow }: Pools[string],
  pools: Pools,
): string[] {
  if (!shadow) return [];
  const target = pools[shadow.pool];
  if (!target)
    return [
      `${path}.pool: there is no pool "${shadow.pool}"; there are ${Object.keys(pools).join(', ')}`,
    ];
  const names = target.backends.map(({ name }) => name);
  if (shadow.backend !== undefined && !names.includes(shadow.backend))
    return [
      `${path}.backend: pool "${shadow.pool}" has no backend "${shadow.backend}"; it has ${names.join(', ')}`,
    ];
  if (shadow.pool === own && shadow.backend === undefined)
    return [`${path}.pool: is the pool itself; name another one, or one backend of it`];
  return [];
}
