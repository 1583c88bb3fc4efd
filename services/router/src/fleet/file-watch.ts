import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

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
      this.#watcher = watch(dirname(path), (_event, name) => {
        // Others may come and go there all the time; `..data` is a ConfigMap's.
        if (name === null || name === basename(path) || name.startsWith('..')) this.#soon();
      });
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
    const content = await this.#read();
    if (content !== this.#known && !this.#isClosed && !this.#quiet) this.#soon();
  }

  async #confirm(): Promise<void> {
    this.#quiet = undefined;
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
