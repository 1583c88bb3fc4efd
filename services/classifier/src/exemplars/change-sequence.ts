import type { EmbeddedTables } from './embedded-tables.js';
import type { Change } from './exemplar-store.js';

type WithoutVersion<C> = C extends Change ? Omit<C, 'version'> : never;

/** Hears of a change, and of the model whose vectors and head are in it. */
type Listener = (change: Change, model: string) => void | Promise<void>;

/** Changes one after the other, so that listeners hear them in the order of `version`. */
export class ChangeSequence {
  readonly #listeners = new Set<Listener>();
  #tail: Promise<unknown> = Promise.resolve();

  constructor(private readonly tables: EmbeddedTables) {}

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Commits what `body` wrote under the next version and tells the listeners; false if it made no change. */
  commit(model: string, body: () => WithoutVersion<Change> | undefined): Promise<boolean> {
    const commit = async () => {
      const change = await this.tables.transaction(() => {
        const made = body();
        if (!made) return undefined;
        this.tables.version += 1;
        return { ...made, version: this.tables.version } as Change;
      });
      if (change) for (const listener of this.#listeners) await listener(change, model);
      return change !== undefined;
    };
    const result = this.#tail.then(commit);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Resolves when the changes asked for so far are done with. */
  async settled(): Promise<void> {
    await this.#tail;
  }
}
