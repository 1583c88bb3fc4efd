/** Whether the model is in memory; the first request that needs it loads it, and others wait with that one. */
export class ModelLoad {
  /** performance.now() when it is or was loaded; Infinity: nobody has asked for it. */
  #loadedAt = Number.NEGATIVE_INFINITY;

  get state(): 'loaded' | 'loading' | 'unloaded' {
    if (this.#loadedAt === Number.POSITIVE_INFINITY) return 'unloaded';
    return performance.now() >= this.#loadedAt ? 'loaded' : 'loading';
  }

  set(loaded: boolean): void {
    this.#loadedAt = loaded ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }

  /** Milliseconds until it is there; begins to load it, which takes `ms`, when nobody has yet. */
  wait(ms: number): number {
    const now = performance.now();
    if (this.state === 'unloaded') this.#loadedAt = now + ms;
    return Math.max(0, this.#loadedAt - now);
  }
}
