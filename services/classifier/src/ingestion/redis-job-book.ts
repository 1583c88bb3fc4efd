import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { Job, MAX_REPORTED_FAILURES, OnConflict } from '@switchyard/contracts';
import type { RedisClient } from '@switchyard/service-kit';
import { z } from 'zod';
import { guarded } from '../exemplars/redis-failure.js';
import { RedisScript } from '../redis-script.js';
import type { ChunkResult, ImportLine } from './job-queue.js';
import { RedisJobKeys } from './redis-job-keys.js';

/** An upload whose replica died is gone after this. */
const UPLOAD_MS = 10 * 60 * 1000;
const FINISHED_MS = 7 * 24 * 60 * 60 * 1000;

const compress = promisify(gzip);
const expand = promisify(gunzip);

const script = (client: RedisClient, name: string) => {
  const url = new URL(`./lua/${name}.lua`, import.meta.url);
  return new RedisScript(client, `imports_${name}`, readFileSync(url, 'utf8'));
};

/** A hash has only strings. */
const Record = Job.omit({ failed: true }).extend({
  ...{ total: z.coerce.number(), done: z.coerce.number(), added: z.coerce.number() },
  ...{ duplicates: z.coerce.number(), rejected: z.coerce.number() },
});

/** Jobs and the chunks of their uploads in Redis. */
export class RedisJobBook {
  readonly #keys: RedisJobKeys;
  readonly #start: RedisScript;
  readonly #finishChunk: RedisScript;
  readonly #end: RedisScript;

  constructor(
    private readonly client: RedisClient,
    prefix: string,
  ) {
    this.#keys = new RedisJobKeys(prefix);
    this.#start = script(client, 'start-job');
    this.#finishChunk = script(client, 'finish-chunk');
    this.#end = script(client, 'end-job');
  }

  /** Jobs that were begun and have not ended, and the bytes that they hold in Redis. */
  async unfinished(): Promise<{ count: number; bytes: number }> {
    const ids = await guarded(() => this.client.zrange(this.#keys.unfinished, 0, -1));
    const held = await Promise.all(
      ids.map((id) => guarded(() => this.client.hget(this.#keys.job(id), 'bytes'))),
    );
    const gone = ids.filter((_, index) => held[index] === null);
    if (gone.length > 0) await guarded(() => this.client.zrem(this.#keys.unfinished, ...gone));
    const bytes = held.reduce((sum, one) => sum + Number(one ?? 0), 0);
    return { count: ids.length - gone.length, bytes };
  }

  async begin(id: string, onConflict: OnConflict): Promise<void> {
    const numbers = { total: 0, done: 0, added: 0, duplicates: 0, rejected: 0, bytes: 0 };
    await guarded(() =>
      this.client.hset(this.#keys.job(id), { id, state: 'uploading', onConflict, ...numbers }),
    );
    await guarded(() => this.client.pexpire(this.#keys.job(id), UPLOAD_MS));
    await guarded(() => this.client.zadd(this.#keys.unfinished, Date.now(), id));
  }

  /** Resolves with the bytes that the chunk takes. */
  async stage(id: string, number: number, lines: readonly ImportLine[]): Promise<number> {
    const bytes = await compress(JSON.stringify(lines));
    const [job, chunks] = [this.#keys.job(id), this.#keys.chunks(id)];
    await Promise.all([
      guarded(() => this.client.hset(chunks, number, bytes)),
      guarded(() => this.client.pexpire(chunks, UPLOAD_MS)),
      guarded(() => this.client.hincrby(job, 'bytes', bytes.length)),
      guarded(() => this.client.pexpire(job, UPLOAD_MS)),
    ]);
    return bytes.length;
  }

  async accept(id: string, total: number, chunks: number): Promise<void> {
    const fields = { state: 'queued', total, chunks };
    await guarded(() => this.client.hset(this.#keys.job(id), fields));
  }

  async drop(id: string): Promise<void> {
    await guarded(() => this.client.del(this.#keys.job(id), this.#keys.chunks(id)));
    await guarded(() => this.client.zrem(this.#keys.unfinished, id));
  }

  async get(id: string): Promise<Job | undefined> {
    const [record, failed] = await Promise.all([
      guarded(() => this.client.hgetall(this.#keys.job(id))),
      guarded(() => this.client.zrange(this.#keys.failed(id), 0, MAX_REPORTED_FAILURES - 1)),
    ]);
    if (record.id === undefined || record.state === 'uploading') return undefined;
    return { ...Record.parse(record), failed: failed.map(parseFailure) };
  }

  /** How many chunks there are; undefined when the job has ended or was never accepted. */
  async start(id: string): Promise<number | undefined> {
    const keys = [this.#keys.job(id), this.#keys.chunks(id)];
    const chunks = Number(await guarded(() => this.#start.run(keys, [])));
    return chunks < 0 ? undefined : chunks;
  }

  /** Undefined when it was done before, or its job has ended. */
  async chunk(
    id: string,
    number: number,
  ): Promise<{ lines: ImportLine[]; onConflict: OnConflict } | undefined> {
    const [bytes, onConflict] = await Promise.all([
      guarded(() => this.client.hgetBuffer(this.#keys.chunks(id), String(number))),
      guarded(() => this.client.hget(this.#keys.job(id), 'onConflict')),
    ]);
    if (!bytes || onConflict === null) return undefined;
    const lines = JSON.parse((await expand(bytes)).toString()) as ImportLine[];
    return { lines, onConflict: OnConflict.parse(onConflict) };
  }

  /** Counts a chunk, once; resolves with how many are left. */
  async finishChunk(id: string, number: number, result: ChunkResult): Promise<number> {
    const { done, added, duplicates, failed, version } = result;
    const keys = [this.#keys.job(id), this.#keys.chunks(id), this.#keys.failed(id)];
    const failures = failed.flatMap(({ line, error }) => [line, error]);
    const counts = [done, added, duplicates, failed.length];
    const left = await guarded(() =>
      this.#finishChunk.run(keys, [number, MAX_REPORTED_FAILURES, version, ...counts, ...failures]),
    );
    return Number(left);
  }

  /** Of the exemplars, with all that the job added. */
  async version(id: string): Promise<number> {
    return Number((await guarded(() => this.client.hget(this.#keys.job(id), 'version'))) ?? 0);
  }

  async chunksLeft(id: string): Promise<number> {
    return guarded(() => this.client.hlen(this.#keys.chunks(id)));
  }

  async end(id: string, state: 'completed' | 'failed', reason = ''): Promise<void> {
    const { unfinished } = this.#keys;
    const keys = [this.#keys.job(id), this.#keys.chunks(id), this.#keys.failed(id), unfinished];
    await guarded(() => this.#end.run(keys, [id, state, reason, FINISHED_MS]));
  }
}

function parseFailure(member: string): { line: number; error: string } {
  const tab = member.indexOf('\t');
  return { line: Number(member.slice(0, tab)), error: member.slice(tab + 1) };
}
