/**
 * Every key of the import jobs. All share the hash tag of the exemplars.
 *
 * | key, after `{PREFIX}:imports:` | type | content | life |
 * | --- | --- | --- | --- |
 * | `job:ID` | hash | the fields of a job; `onConflict`; `chunks`; `bytes` that its chunks take; `version` of the exemplars with it in them | `UPLOAD_MS` after the last chunk of an upload came; `FINISHED_MS` after its end |
 * | `chunks:ID` | hash | number -> lines as JSON, gzip | that of the job, each until it is done |
 * | `failed:ID` | sorted set | `LINE\tERROR` by line, the first 1000 | that of the job |
 * | `unfinished` | sorted set | id -> when it was begun, ms | until it has ended |
 *
 * BullMQ's own keys begin with `{PREFIX}:import-chunks:` and `{PREFIX}:import-ends:`.
 */
export class RedisJobKeys {
  readonly unfinished: string;
  readonly #base: string;

  constructor(prefix: string) {
    this.#base = `{${prefix}}:imports`;
    this.unfinished = `${this.#base}:unfinished`;
  }

  job(id: string): string {
    return `${this.#base}:job:${id}`;
  }

  chunks(id: string): string {
    return `${this.#base}:chunks:${id}`;
  }

  failed(id: string): string {
    return `${this.#base}:failed:${id}`;
  }
}
