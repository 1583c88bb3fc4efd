import { uniformHash } from '../balancing/rendezvous.js';
import type { VariantSettings } from '../configuration/rollout-settings.js';
import type { PoolSpec } from '../configuration/schema.js';
import type { Backend } from './backend.js';

/** One of the ways in which a pool serves its requests. */
export interface Variant extends VariantSettings {
  name: string;
}

export const variantsOf = ({ variants }: PoolSpec): Variant[] =>
  Object.entries(variants ?? {}).map(([name, settings]) => ({ name, ...settings }));

/**
 * The variant of a key, then the others that get any requests, who stand in for it. A hash of pool and
 * key falls into one of the stretches that the percentages mark on [0, 1), in the order of the file; it
 * is not the one by which backends are ranked, so that neither choice tells the other. A percentage
 * that changes moves the keys between its old and its new mark, and those beyond by as much.
 */
export function variantsInTurn(pool: string, variants: readonly Variant[], key: string): Variant[] {
  const total = variants.reduce((sum, { percent }) => sum + percent, 0);
  let left = uniformHash(`variant of ${pool}\n${key}`) * total;
  const chosen = variants.find(({ percent }) => {
    left -= percent;
    return left < 0;
  });
  const others = variants.filter((one) => one !== chosen && one.percent > 0);
  return chosen ? [chosen, ...others] : others;
}

/** Of these backends those that a variant may use, for a request that asks for this model. */
export function backendsOf(
  { backends: names, model }: Variant,
  backends: readonly Backend[],
  asked: string | undefined,
): Backend[] {
  if (asked !== undefined && model !== undefined && asked !== model) return [];
  return backends.filter(
    ({ name, state, models }) =>
      state === 'active' &&
      (names?.includes(name) ?? true) &&
      (asked === undefined || model === asked || models.includes(asked)),
  );
}
