import type { EmbeddedTables } from './embedded-tables.js';
import type { Change } from './exemplar-store.js';

type WithoutVersion<C> = C extends Change ? Omit<C, 'version'> : never;

/** Changes one after the other, so that listeners hear them in the order of `version`. */
export class ChangeSequence {
  readonly #listeners: ((change: Change) => void | Promise<void>)[] = [];
  #tail: Promise<unknown> = Promise.resolve();

  constructor(private readonly tables: EmbeddedTables) {}

  onChange(listener: (change: Change) => void | Promise<void>): void {
    this.#listeners.push(listener);
  }

  /** Commits what `body` wrote under the next version and tells the listeners; false if it made no change. */
  commit(body: () => WithoutVersion<Change> | undefined): Promise<boolean> {
    const commit = async () => {
      const change = await this.tables.transaction(() => {
        const made = body();
        if (!made) return undefined;
        this.tables.version += 1;
        return { ...made, version: this.tables.version } as Change;
      });
      if (change) for (const listener of this.#listeners) await listener(change);
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
