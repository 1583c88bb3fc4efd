import type { Backend } from '../backends/backend.js';

interface Base {
  origin: string;
  path: string;
}

/** By URL; there are as many as configurations named. */
const bases = new Map<string, Base>();

/** Where a path of ours is at a backend. */
export function targetOf({ url }: Pick<Backend, 'url'>, path: string): Base {
  let base = bases.get(url);
  if (!base) {
    const { origin, pathname } = new URL(url);
    base = { origin, path: pathname === '/' ? '' : pathname };
    bases.set(url, base);
  }
  return { origin: base.origin, path: base.path + path };
}
