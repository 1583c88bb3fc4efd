/** The right to do something that no other replica does meanwhile. */
export interface Claim {
  /** Aborts when the claim was lost: another replica may do it now. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/** What only one replica does at a time. */
export type ClaimedTask = 'training' | 'starter-exemplars';

/** A claim of the only replica there is. */
export const soleClaim = (): Claim => ({
  lost: new AbortController().signal,
  release: async () => {},
});
