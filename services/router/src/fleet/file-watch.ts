import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** An editor that empties a file and writes it anew, or renames another one to it, is done by then. */
const QUIET_MS = 150;
/** File systems without events, links into other folders: looked at this often. */
const LOOK_MS = 1000;

/**
 * Calls back when the content at a path has become another one, whether it was written, replaced by
 * renaming, or is reached by a link that now leads elsewhere, as in a mounted ConfigMap.
 */
export class FileWatch {
  #known: string | undefined;
  #watcher: FSWatcher | undefined;
  #quiet: NodeJS.Timeout | undefined;
  readonly #looks: NodeJS.Timeout;
  #isClosed = false;

  /** `known`: the content that needs no call. */
  constructor(
    private readonly path: string,
    known: string,
    private readonly onChange: () => void,
  ) {
    this.#known = known;
    try {
      // The folder: a file that is replaced takes its watch with it.
      this.#watcher = watch(dirname(path), () => this.#soon());
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      // Then looking has to do.
    }
    this.#looks = setInterval(() => void this.#look(), LOOK_MS);
  }

  close(): void {
    this.#isClosed = true;
    this.#watcher?.close();
    clearInterval(this.#looks);
    clearTimeout(this.#quiet);
  }

  #soon(): void {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => void this.#confirm(), QUIET_MS);
  }

  async #look(): Promise<void> {
    if ((await this.#read()) !== this.#known && !this.#isClosed) this.#soon();
  }

  async #confirm(): Promise<void> {
    const content = await this.#read();
    if (this.#isClosed || content === this.#known) return;
    this.#known = content;
    this.onChange();
  }

  /** undefined: not to be had. */
  async #read(): Promise<string | undefined> {
    return readFile(this.path, 'utf8').catch(() => undefined);
  }
}
