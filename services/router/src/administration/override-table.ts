import type { AdminOverride, AdminState } from '../backends/backend.js';
import type { AdminChange } from './admin-overrides.js';

/** Overrides as texts, by `BACKEND state` and `BACKEND weight`; an empty text is none. */
export type OverrideTexts = Readonly<Record<string, string>>;

const STATES = new Set<string>(['draining', 'disabled'] satisfies AdminState[]);

/** As texts, only what a change says. */
export function textsOf(backendId: string, { state, weight }: AdminChange): OverrideTexts {
  return {
    ...(state !== undefined && { [`${backendId} state`]: state === 'active' ? '' : state }),
    ...(weight !== undefined && { [`${backendId} weight`]: weight === null ? '' : String(weight) }),
  };
}

/** What is not one of ours is as good as not there. */
export function overrideOf(backendId: string, texts: ReadonlyMap<string, string>): AdminOverride {
  const state = texts.get(`${backendId} state`) ?? '';
  const weight = Number(texts.get(`${backendId} weight`) || Number.NaN);
  return {
    ...(STATES.has(state) && { state: state as AdminState }),
    ...(weight > 0 && weight <= 1000 && { weight }),
  };
}
