import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ConfigError } from '@switchyard/service-kit';
import { JobRecord } from './job-record.js';

/** Jobs on disk: `<id>.ndjson` holds what was uploaded, `<id>.json` the record, written last. */
export class JobFiles {
  private constructor(private readonly directory: string) {}

  static async open(directory: string): Promise<JobFiles> {
    await mkdir(directory, { recursive: true });
    return new JobFiles(directory);
  }

  /** Every record, oldest first. Uploads without a record were never accepted and are deleted. */
  async load(): Promise<JobRecord[]> {
    const names = await readdir(this.directory);
    const records: JobRecord[] = [];
    for (const name of names.filter((name) => name.endsWith('.json')))
      records.push(await this.#record(join(this.directory, name)));
    const known = new Set(records.map(({ id }) => `${id}.ndjson`));
    for (const name of names)
      if (!name.endsWith('.json') && !known.has(name)) await rm(join(this.directory, name));
    return records.sort((a, b) => a.createdAt - b.createdAt);
  }

  /** Streams an upload to disk, through to the platter. On failure nothing is left. */
  async spool(id: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      await pipeline(Readable.from(bytes), createWriteStream(this.#upload(id), { flush: true }));
    } catch (error) {
      await rm(this.#upload(id), { force: true });
      throw error;
    }
  }

  read(id: string): AsyncIterable<Uint8Array> {
    return createReadStream(this.#upload(id));
  }

  async save(record: JobRecord): Promise<void> {
    const path = join(this.directory, `${record.id}.json`);
    await writeFile(`${path}.tmp`, JSON.stringify(record), { flush: true });
    await rename(`${path}.tmp`, path);
    const folder = await open(this.directory);
    await folder.sync();
    await folder.close();
  }

  async dropUpload(id: string): Promise<void> {
    await rm(this.#upload(id), { force: true });
  }

  async drop(id: string): Promise<void> {
    await rm(join(this.directory, `${id}.json`), { force: true });
    await this.dropUpload(id);
  }

  async #record(path: string): Promise<JobRecord> {
    try {
      return JobRecord.parse(JSON.parse(await readFile(path, 'utf8')));
    } catch {
      throw new ConfigError([`DATA_DIR: ${path} is damaged; delete it to give up that import`]);
    }
  }

  #upload(id: string): string {
    return join(this.directory, `${id}.ndjson`);
  }
}
