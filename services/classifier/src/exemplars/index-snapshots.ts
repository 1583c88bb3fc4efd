import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@switchyard/service-kit';
import { ExemplarIndex, type IndexOptions } from './exemplar-index.js';
import {
  flush,
  readSnapshotFiles,
  type SnapshotKind,
  writeSnapshotFiles,
} from './snapshot-files.js';
import { SnapshotSchedule } from './snapshot-schedule.js';

export interface SnapshotOptions extends SnapshotKind {
  directory: string;
  logger: Logger;
  index?: IndexOptions;
}

const KEPT = 2;
const UNFINISHED = '.new-';
const NAME = /^version-(\d{16})$/;
const nameOf = (version: number) => `version-${String(version).padStart(16, '0')}`;

/**
 * Snapshots of the index in a directory, so that a restart loads what it would have to build. Each
 * is a directory named by its version, which never changes once it has its name, and any replica
 * with the same model can load it. One process writes into a directory; any may read.
 */
export class IndexSnapshots {
  #hasNewest = false;

  constructor(private readonly options: SnapshotOptions) {}

  /** The index of the newest snapshot that can be used, or one without exemplars. */
  async loadOrCreate(): Promise<ExemplarIndex> {
    const loaded = await this.load();
    return loaded?.index ?? new ExemplarIndex(this.options.dimensions, this.#indexOptions());
  }

  /** The newest snapshot that can be used; one that cannot is reported and removed. */
  async load(): Promise<{ index: ExemplarIndex; version: number } | undefined> {
    const { directory, logger } = this.options;
    await mkdir(directory, { recursive: true });
    await this.#removeUnfinished();
    for (const version of await this.#versions()) {
      const path = join(directory, nameOf(version));
      try {
        const loaded = await readSnapshotFiles(path, this.options, this.#indexOptions());
        if (loaded.version !== version) throw new Error(`it is of version ${loaded.version}`);
        this.#hasNewest = true;
        logger.info({ snapshot: path, exemplars: loaded.index.size }, 'loaded the index');
        return loaded;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        logger.warn({ snapshot: path, reason }, 'a snapshot of the index cannot be used');
        await rm(path, { recursive: true, force: true });
      }
    }
    return undefined;
  }

  /** Starts from the newest as well, and writes none. */
  get onlyLoaded(): Pick<IndexSnapshots, 'loadOrCreate' | 'keep'> {
    return {
      loadOrCreate: () => this.loadOrCreate(),
      keep: () => ({ changed: () => {}, close: async () => {} }),
    };
  }

  /** Writes the index as it is now under `version()`; rejects when the disk does not take it. */
  async write(index: ExemplarIndex, version: () => number): Promise<void> {
    const { directory } = this.options;
    const unfinished = join(directory, `${UNFINISHED}${randomUUID()}`);
    await mkdir(unfinished, { recursive: true });
    let written: number;
    try {
      written = await writeSnapshotFiles(unfinished, index, version, this.options);
      if (!(await this.#versions()).includes(written)) {
        await rename(unfinished, join(directory, nameOf(written)));
        await flush(directory);
      }
    } finally {
      await rm(unfinished, { recursive: true, force: true });
    }
    // Newer ones are of a history that is gone.
    const versions = await this.#versions();
    const kept = versions.filter((version) => version <= written).slice(0, KEPT);
    for (const version of versions)
      if (!kept.includes(version))
        await rm(join(directory, nameOf(version)), { recursive: true, force: true });
  }

  /** Writes snapshots of an index while its exemplars change: `changed` says that something did. */
  keep(index: ExemplarIndex, version: () => number): Pick<SnapshotSchedule, 'changed' | 'close'> {
    let saved = this.#hasNewest ? 0 : undefined;
    const schedule = new SnapshotSchedule(async () => {
      const { changes } = index;
      try {
        await this.write(index, version);
        saved = changes;
      } catch (error) {
        this.options.logger.warn({ err: error }, 'no snapshot of the index could be written');
      }
    });
    const changed = () => {
      if (index.changes !== saved) schedule.changed();
    };
    changed();
    return { changed, close: () => schedule.close() };
  }

  #indexOptions(): IndexOptions {
    const { directory, logger, index } = this.options;
    const onProblem = (error: unknown, what: string) => logger.warn({ err: error }, what);
    return { directory, onProblem, ...index };
  }

  /** Newest first. */
  async #versions(): Promise<number[]> {
    const names = await readdir(this.options.directory);
    return names
      .flatMap((name) => NAME.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => b - a);
  }

  async #removeUnfinished(): Promise<void> {
    for (const name of await readdir(this.options.directory))
      if (name.startsWith(UNFINISHED))
        await rm(join(this.options.directory, name), { recursive: true, force: true });
  }
}
