import type { Backend } from '../backends/backend.js';

/** Where a path of ours is at a backend. */
export function targetOf({ url }: Pick<Backend, 'url'>, path: string) {
  const base = new URL(url);
  return { origin: base.origin, path: (base.pathname === '/' ? '' : base.pathname) + path };
}
